"""Warnings before deadlines, and the ends of rounds, by the time of a chain that does not follow our clock."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.levels_and_deadlines import Deadline
from realtime.warnings import Warnings


def block_at(timestamp: int) -> IndexedBlock:
    return IndexedBlock(1, 0, timestamp, "0x", datetime.fromtimestamp(timestamp, UTC), timestamp, timestamp, timestamp)


def warned(deadlines: Mapping[Deadline, int], *times: int) -> list[tuple[Deadline, int]]:
    """What is sent while blocks of these times come, the first of which a process begins with."""
    sent: list[tuple[Deadline, int]] = []

    async def work() -> None:
        warnings = Warnings(lambda deadline, _, seconds: sent.append((deadline, seconds)))
        for time in times:
            warnings.update(deadlines, block_at(time))

    asyncio.run(work())
    return sent


def test_a_reset_is_announced_an_hour_ten_minutes_and_a_minute_before() -> None:
    reset: Deadline = ("reset", 0)
    found = warned({reset: 10_000}, 6_000, 6_400, 6_401, 9_400, 9_940, 9_940, 10_000)
    assert found == [(reset, 3_600), (reset, 600), (reset, 60)]


def test_of_warnings_that_are_due_together_the_nearest_is_sent() -> None:
    assert warned({("reset", 0): 10_000}, 6_000, 9_950) == [(("reset", 0), 60)]
    assert warned({("reset", 0): 10_000}, 6_000, 10_001) == []


def test_a_round_is_locked_at_its_deadline_once() -> None:
    assert warned({("round", 7): 500}, 400, 499, 500, 501, 600) == [(("round", 7), 0)]
    assert warned({("round", 7): 500}, 400, 620) == [(("round", 7), 0)], "no block came at that time"
    assert warned({("round", 7): 500}, 501, 502) == [], "it was locked before the first update"
