"""Token buckets, one for each client: they allow a burst at once, and a rate a second in the long run."""

import time
from typing import Final

from cachetools import LRUCache

MAX_CLIENTS: Final = 50_000
"""Clients whose buckets are kept. The client unseen for longest is dropped, and begins anew with a full bucket."""


class TokenBucket:
    """Holds up to `burst` tokens, and gets `rate` a second; starts full."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = time.monotonic()

    @property
    def level(self) -> float:
        """The tokens that are there; below 0 while some are owed."""
        now = time.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    def take(self, tokens: float = 1) -> bool:
        """Take tokens; return False, and take none, if there are fewer."""
        if self.level < tokens:
            return False
        self._level -= tokens
        return True

    def charge(self, tokens: float) -> None:
        """Take tokens whether they are there or not; at most `burst` can be owed."""
        self._level = max(-self._burst, self.level - tokens)

    def seconds_until(self, tokens: float) -> float:
        """The seconds until so many tokens are there."""
        return max(0.0, (tokens - self.level) / self._rate)


class TokenBuckets:
    """One bucket for each client."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self.burst = burst
        self._buckets: LRUCache[str, TokenBucket] = LRUCache(MAX_CLIENTS)

    def __len__(self) -> int:
        return len(self._buckets)

    def for_client(self, client: str) -> TokenBucket:
        """A client's bucket."""
        found = self._buckets.get(client)
        if found is None:
            found = self._buckets[client] = TokenBucket(self._rate, self.burst)
        return found
