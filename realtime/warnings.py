"""Warnings before scans: by the chain's time, which goes on between blocks as our clock does."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from psycopg import AsyncConnection

from indexer.selectors.snapshot import IndexedBlock

SECONDS_BEFORE: Final = (60, 10)


class ScanWarnings:
    """Calls `warn(level, seconds)` so many seconds before each level's next scan, once each."""

    def __init__(self, warn: Callable[[int, int], None]) -> None:
        self._warn = warn
        self._timers: dict[int, tuple[int, list[asyncio.TimerHandle]]] = {}
        """By level: the time of its next scan in unix seconds, and what waits for it."""

    async def read(self, connection: AsyncConnection[Any], block: IndexedBlock) -> None:
        """Learn the times of the next scans after a block; a time that has changed is waited for anew."""
        rows = await connection.execute("SELECT level, next_scan_time FROM current_levels", prepare=True)
        async for level, next_scan in rows:
            known = self._timers.get(level)
            if known is None or known[0] != int(next_scan):
                for timer in known[1] if known else ():
                    timer.cancel()
                self._timers[level] = (int(next_scan), self._wait(level, int(next_scan), block.timestamp))

    def _wait(self, level: int, next_scan: int, chain_time: int) -> list[asyncio.TimerHandle]:
        loop = asyncio.get_running_loop()
        now = max(chain_time, int(time.time())) if abs(time.time() - chain_time) < MOST_DRIFT else chain_time
        waits = {seconds: next_scan - seconds - now for seconds in SECONDS_BEFORE}
        return [loop.call_later(wait, self._warn, level, seconds) for seconds, wait in waits.items() if wait >= 0]


MOST_DRIFT: Final = 60
"""Seconds between the chain's time and our clock up to which the chain is taken to be live."""
