"""Adapt the number of blocks of a range to the size and time of the node's answers."""

from typing import Final

TARGET_LOGS: Final = 8_000
TARGET_BYTES: Final = 8_000_000
TARGET_SECONDS: Final = 4.0
MAX_BLOCKS: Final = 100_000
MAX_GROWTH: Final = 4
REMEMBERED_RANGES: Final = 16
"""Ranges after which a refusal is forgotten: later blocks may have fewer logs, and the failure may have passed. If it
comes again, it may be the node's limit, and is forgotten after twice as many: each trial costs some requests."""


class AdaptiveRange:
    """The number of blocks of the next range.

    It aims at 8,000 logs, 8 MB and 4 seconds an answer, whichever comes first; it grows at most fourfold, and a
    refusal halves it. `limit` bounds it in blocks.
    """

    def __init__(self, first: int = 200, limit: int | None = None) -> None:
        self._limit = limit or MAX_BLOCKS
        self._refused = self._limit + 1
        self._forgotten = self._refused
        """The refused size that was forgotten last, as long as none so large was fetched."""
        self._ranges_since = 0
        """Ranges that were fetched since the last refusal."""
        self._remembered = REMEMBERED_RANGES
        self.size = min(first, self._limit)

    def record_success(self, blocks: int, logs: int, received: int, seconds: float) -> None:
        """Adapt the size to an answer for `blocks` blocks with so many logs and bytes, which took so many seconds."""
        share = max(logs / TARGET_LOGS, received / TARGET_BYTES, seconds / TARGET_SECONDS, 1 / MAX_GROWTH)
        fitting = int(blocks / share) if share > 1 else int(min(blocks / share, MAX_GROWTH * self.size))
        self._ranges_since += 1
        if blocks >= min(self._refused, self._forgotten):
            self._refused = self._forgotten = self._limit + 1
            self._remembered = REMEMBERED_RANGES
        elif self._ranges_since > self._remembered and self._refused <= self._limit:
            self._forgotten, self._refused = self._refused, self._limit + 1
            self._remembered *= 2
        # Just below what was refused last, growth is slow: a refusal costs a request, a smaller range hardly more.
        bound = max(self.size, (self.size + self._refused) // 2) if fitting >= self._refused else self._limit
        self.size = max(1, min(fitting, bound, self._limit))

    def record_refusal(self, blocks: int) -> None:
        """Halve the size, after a range of this many blocks was refused."""
        self._refused, self._ranges_since = blocks, 0
        self.size = max(1, min(self.size, blocks // 2))
