"""SCAN_WARNINGs before scans, by the chain's time, which goes on between blocks as our clock does."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from indexer.selectors.snapshot import IndexedBlock

SECONDS_BEFORE: Final = (60, 10)
MOST_DRIFT: Final = 60
"""Seconds between the chain's time and our clock up to which the chain is taken to be live."""

_Warning = tuple[int, int, int]
"""A level, the time of its next scan in unix seconds, and how many seconds before the scan the warning is due."""


class ScanWarnings:
    """Calls `send(level, seconds_until)` 60 and 10 seconds before each level's next scan, once each."""

    def __init__(self, send: Callable[[int, int], None]) -> None:
        self._send = send
        self._done: set[_Warning] | None = None
        """Warnings that are sent or were due before the first update; None before it."""
        self._timers: list[asyncio.TimerHandle] = []

    def update(self, scan_times: Mapping[int, int], block: IndexedBlock) -> None:
        """Take the time of each level's next scan (unix seconds) after a block: send the warnings that have become due,
        set timers for the others."""
        known = {(level, scan, seconds) for level, scan in scan_times.items() for seconds in SECONDS_BEFORE}
        now = _now(block)
        due = {warning for warning in known if warning[1] - warning[2] <= now}
        new = due - self._done if self._done is not None else set()
        nearest = {level: (scan, before) for level, scan, before in sorted(new, reverse=True)}
        for level, (scan, before) in nearest.items():
            if scan > now:
                self._send(level, before)
        self._done = (self._done or set()) & known | due
        self._set_timers(known - self._done, now)

    def _set_timers(self, warnings: set[_Warning], now: int) -> None:
        for timer in self._timers:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(scan - before - now, self._fire, (level, scan, before)) for level, scan, before in warnings
        ]

    def _fire(self, warning: _Warning) -> None:
        assert self._done is not None
        self._done.add(warning)
        self._send(warning[0], warning[2])


def _now(block: IndexedBlock) -> int:
    """The time that warnings go by, in unix seconds: our clock's where the chain is live, else the last block's."""
    clock = time.time()
    return max(block.timestamp, int(clock)) if abs(clock - block.timestamp) < MOST_DRIFT else block.timestamp
