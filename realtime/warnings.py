"""Warnings before scans: by the chain's time, which goes on between blocks as our clock does."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from psycopg import AsyncConnection

from indexer.selectors.snapshot import IndexedBlock

SECONDS_BEFORE: Final = (60, 10)
MOST_DRIFT: Final = 60
"""Seconds between the chain's time and our clock up to which the chain is taken to be live."""

_Warning = tuple[int, int, int]
"""A level, the time of its next scan in unix seconds, and how many seconds before it is to be warned."""


class ScanWarnings:
    """Calls `warn(level, seconds)` so many seconds before each level's next scan, once each."""

    def __init__(self, warn: Callable[[int, int], None]) -> None:
        self._warn = warn
        self._told: set[_Warning] | None = None
        """None before the first look: what was due before it is nobody's business here."""
        self._timers: list[asyncio.TimerHandle] = []

    async def read(self, connection: AsyncConnection[Any], block: IndexedBlock) -> None:
        """Learn the times of the next scans after a block, warn of those that have come near, wait for the others."""
        levels = await connection.execute("SELECT level, next_scan_time FROM current_levels", prepare=True)
        known = {(level, int(scan), seconds) async for level, scan in levels for seconds in SECONDS_BEFORE}
        now = _now(block)
        near = {warning for warning in known if warning[1] - warning[2] <= now}
        new = near - self._told if self._told is not None else set()
        nearest = {level: (scan, before) for level, scan, before in sorted(new, reverse=True)}
        for level, (scan, before) in nearest.items():
            if scan > now:
                self._warn(level, before)
        self._told = (self._told or set()) & known | near
        self._wait(known - self._told, now)

    def _wait(self, warnings: set[_Warning], now: int) -> None:
        for timer in self._timers:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(scan - before - now, self._tell, (level, scan, before)) for level, scan, before in warnings
        ]

    def _tell(self, warning: _Warning) -> None:
        assert self._told is not None
        self._told.add(warning)
        self._warn(warning[0], warning[2])


def _now(block: IndexedBlock) -> int:
    """The time by which a scan comes near: ours where the chain is live, else the last block's."""
    return (
        max(block.timestamp, int(time.time())) if abs(time.time() - block.timestamp) < MOST_DRIFT else block.timestamp
    )
