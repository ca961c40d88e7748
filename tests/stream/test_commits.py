"""Requests that wait until their state is as new as what clients of `/ws` have been sent."""

import asyncio
from datetime import UTC, datetime

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.commits import MAX_BEHIND_SECONDS, CommitWatcher


def block(number: int) -> IndexedBlock:
    return IndexedBlock(1, 0, number, "0x", datetime(2026, 1, 1, tzinfo=UTC), 0, number, revision=number)


def test_a_request_waits_for_what_was_sent_before_it_and_not_for_what_is_sent_meanwhile() -> None:
    """Else requests would wait for as long as commits come quickly."""

    async def work() -> None:
        commits = CommitWatcher()
        commits.latest, commits.sent = block(1), block(3)
        waiting = asyncio.create_task(commits.catch_up())
        await asyncio.sleep(0)
        commits.sent = block(4)
        commits.advance(block(2))
        await asyncio.sleep(0)
        assert not waiting.done()
        commits.advance(block(3))
        await asyncio.wait_for(waiting, MAX_BEHIND_SECONDS / 2)
        assert commits.is_behind

    asyncio.run(work())
