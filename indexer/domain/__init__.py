"""The game's values and arithmetic, as the contracts define them; imports nothing but the standard library."""
