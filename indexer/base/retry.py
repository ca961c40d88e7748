"""The pauses before further attempts: one policy for nodes, databases and brokers."""

import random
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.1
MAX_PAUSE_SECONDS: Final = 30.0


class Backoff:
    """Pauses in seconds that double with each failure, shortened at random so that many clients do not retry at once.

    After `reset`, which a success calls, they begin anew at `first`.
    """

    def __init__(self, first: float = FIRST_PAUSE_SECONDS, longest: float = MAX_PAUSE_SECONDS) -> None:
        self._first = first
        self._longest = longest
        self.failures = 0
        """Failures in a row."""

    def pause(self) -> float:
        """Count a failure; return the seconds to wait: half to all of `first · 2ⁿ`, at most `longest`."""
        pause = min(self._longest, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts, protects nothing

    def reset(self) -> None:
        """Begin anew at the first pause, after an attempt that succeeded."""
        self.failures = 0
