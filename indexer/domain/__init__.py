"""The game as the contracts keep it: plain objects and integer arithmetic, nothing but the standard library."""
