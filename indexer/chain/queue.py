"""Ranges that were fetched and wait for the reader, bounded in logs."""

import asyncio
import threading
from collections import deque

from indexer.chain.blocks import FetchedRange


class RangeQueue:
    """Filled from an event loop, emptied from another thread; `most_logs` bounds what waits."""

    def __init__(self, most_logs: int) -> None:
        self._most_logs = most_logs
        self._ranges: deque[FetchedRange] = deque()
        self._logs = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self.space = asyncio.Event()
        """Set by the event loop after the reader has taken a range."""

    async def put(self, fetched: FetchedRange) -> None:
        """Queue a range as soon as there is room."""
        while self._logs and self._logs + fetched.log_count > self._most_logs:
            self.space.clear()
            await self.space.wait()
        with self._changed:
            self._ranges.append(fetched)
            self._logs += fetched.log_count
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Let the reader, once it has taken what was queued, raise what ended the fetching."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything, an error too."""
        with self._changed:
            self._ranges.clear()
            self._logs = 0
            self._error = None

    def take(self, timeout: float) -> FetchedRange | None:
        """The next range, or None if there is none within `timeout` seconds; blocks. Raises what `fail` was given."""
        with self._changed:
            self._changed.wait_for(lambda: self._ranges or self._error, timeout)
            if not self._ranges:
                if self._error is not None:
                    raise self._error
                return None
            fetched = self._ranges.popleft()
            self._logs -= fetched.log_count
            return fetched
