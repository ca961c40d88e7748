"""A bounded queue of fetched ranges and preconfirmed transactions, from the event loop to the reader's thread."""

import asyncio
import threading
from collections import deque
from typing import Final

from indexer.chain.blocks import FetchedRange
from indexer.chain.preconfirmed import PreconfirmedTransaction

MAX_PRECONFIRMED: Final = 10_000
"""Preconfirmed transactions that may wait; a reader that is further behind has no use for the older ones."""


class RangeQueue:
    """Filled from an event loop, emptied from another thread; ranges of at most `max_bytes` bytes wait in it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._ranges: deque[tuple[FetchedRange, int]] = deque()
        self._preconfirmed: deque[PreconfirmedTransaction] = deque(maxlen=MAX_PRECONFIRMED)
        self._bytes = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self.space = asyncio.Event()
        """Set by the event loop after the reader has taken a range."""

    @property
    def ranges(self) -> int:
        """The number of ranges that wait."""
        return len(self._ranges)

    async def put(self, fetched: FetchedRange) -> None:
        """Queue a range as soon as there is room."""
        size = fetched.memory
        while self._bytes and self._bytes + size > self._max_bytes:
            self.space.clear()
            await self.space.wait()
        with self._changed:
            self._ranges.append((fetched, size))
            self._bytes += size
            self._changed.notify_all()

    def put_preconfirmed(self, transaction: PreconfirmedTransaction) -> None:
        """Queue a transaction that is not sealed yet; if too many wait, the oldest one is dropped."""
        with self._changed:
            self._preconfirmed.append(transaction)
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Make `take` raise this error once the reader has taken all queued ranges."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def clear(self) -> None:
        """Drop all ranges and the error."""
        with self._changed:
            self._ranges.clear()
            self._bytes = 0
            self._error = None

    def take(self, timeout: float) -> FetchedRange | None:
        """The next range; None if none comes within `timeout` seconds, or if a preconfirmed transaction comes first.
        Blocks. Raises the error given to `fail`."""
        with self._changed:
            self._changed.wait_for(lambda: self._ranges or self._preconfirmed or self._error, timeout)
            if not self._ranges:
                if self._error is not None:
                    raise self._error
                return None
            fetched, size = self._ranges.popleft()
            self._bytes -= size
            return fetched

    def take_preconfirmed(self) -> list[PreconfirmedTransaction]:
        """Take all preconfirmed transactions that wait; does not block."""
        with self._changed:
            waiting = list(self._preconfirmed)
            self._preconfirmed.clear()
            return waiting
