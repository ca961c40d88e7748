"""Warnings before scans and resets, and the ends of rounds, by the chain's time.

Between blocks the chain's time is estimated by this machine's clock."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.levels_and_deadlines import Deadline

SECONDS_BEFORE: Final = {"scan": (60, 10), "reset": (3_600, 600, 60), "round": (0,)}
"""How long before a deadline of each kind clients are warned."""
MAX_DRIFT_SECONDS: Final = 60
"""Seconds between the chain's time and this machine's clock up to which the chain is assumed to be live."""

_Warning = tuple[Deadline, int, int]
"""A deadline, its time in unix seconds, and how many seconds before it the warning is due."""


class Warnings:
    """Calls `send(deadline, time, seconds_until)` so many seconds before each deadline, once each."""

    def __init__(self, send: Callable[[Deadline, int, int], None]) -> None:
        self._send = send
        self._done: set[_Warning] | None = None
        """Warnings that are sent or were due before the first update; None before it."""
        self._timers: list[asyncio.TimerHandle] = []

    def update(self, deadlines: Mapping[Deadline, int], block: IndexedBlock) -> None:
        """Take the time of each deadline (unix seconds) after a block: send the warnings that have become due, set
        timers for the others."""
        known = {
            (deadline, due, seconds) for deadline, due in deadlines.items() for seconds in SECONDS_BEFORE[deadline[0]]
        }
        now = _now(block)
        passed = {warning for warning in known if warning[1] - warning[2] <= now}
        new = passed - self._done if self._done is not None else set()
        nearest = {deadline: (due, before) for deadline, due, before in sorted(new, reverse=True)}
        for deadline, (due, before) in nearest.items():
            if due > now or not before:
                self._send(deadline, due, before)
        self._done = (self._done or set()) & known | passed
        self._set_timers(known - self._done, now)

    def _set_timers(self, warnings: set[_Warning], now: int) -> None:
        for timer in self._timers:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(due - before - now, self._fire, (deadline, due, before))
            for deadline, due, before in warnings
        ]

    def _fire(self, warning: _Warning) -> None:
        assert self._done is not None
        self._done.add(warning)
        self._send(*warning)


def _now(block: IndexedBlock) -> int:
    """The current time for warnings, in unix seconds: this machine's if the chain is live, else the last block's."""
    clock = time.time()
    return max(block.timestamp, int(clock)) if abs(clock - block.timestamp) < MAX_DRIFT_SECONDS else block.timestamp
