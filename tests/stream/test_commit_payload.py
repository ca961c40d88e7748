"""The payload of a commit's notification: the same step as the tables then contain."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.selectors.snapshot import IndexedBlock
from indexer.store.checkpoint import HEAD_CHANNEL
from indexer.store.database import connect as connect_here
from indexer.stream import reader
from indexer.stream.commit_payload import commit_of, step_of_payload
from indexer.stream.connection import connect
from indexer.stream.ids import last_id
from indexer.stream.reader import FeedCursor, Step
from tests.filling import fill
from tests.indexing import index

START, END = 300, 360


@pytest.fixture
def listener(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    with connect_here() as opened:
        opened.execute(f"LISTEN {HEAD_CHANNEL}")
        yield opened


def received(listener: Connection[Any], block: int) -> Iterator[str]:
    """What was notified, up to that block's commit."""
    for one in listener.notifies():
        yield one.payload
        if one.payload.startswith(f"{block} "):
            return


async def newest() -> tuple[IndexedBlock, FeedCursor]:
    async with await connect("ghostnet test") as connection:
        found = await reader.read_newest(connection)
        assert found is not None
        return found


async def stored(after: FeedCursor) -> Step:
    """The whole step after a cursor, by the tables."""
    async with await connect("ghostnet test") as connection:
        step = await reader.read_step(connection, after, 1_000)
        assert step is not None
        return step


def test_it_carries_the_step_that_the_tables_have(
    connection: Connection[Any], listener: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    fill(connection, START)
    block, cursor = known, begin = asyncio.run(newest())
    with ReplayServer(season, ReplayOptions(head=END)) as node:
        index(node, truth.contracts, batch_size=1)
    whole = asyncio.run(stored(begin))
    announced = 0
    for payload in received(listener, END):
        if (commit_of(payload) or (0, 0))[1] <= known.revision:
            continue
        expected = step_within(whole, cursor, int(payload.split(" ")[0]))
        step = step_of_payload(payload, block, cursor)
        if step is None:
            assert expected.items, "only what is too large is left out"
            block = replace(block, revision=block.revision + 1)
            cursor = expected.cursor
        else:
            announced += 1
            assert (step.items, step.cursor, step.after) == (expected.items, expected.cursor, expected.after)
            assert [item.message() for item in step.items] == [item.message() for item in expected.items]
            assert step.touched <= whole.touched
            block, cursor = step.block, step.cursor
    assert (block, cursor) == (whole.block, whole.cursor)
    assert announced > 0.8 * (END - START)


def step_within(whole: Step, after: FeedCursor, block: int) -> Step:
    """A part of a larger step, up to the end of a block."""
    end = FeedCursor(last_id(block), after.reorg_id)
    items = [item for item in whole.items if after.event_id < item.id <= end.event_id]
    return replace(whole, cursor=end, items=items, after=after.event_id)


def test_what_it_does_not_carry_is_left_to_the_tables(
    connection: Connection[Any], listener: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """A rollback; the commit after another one than the reader's last; what others notify of."""
    fill(connection, START)
    block, cursor = asyncio.run(newest())
    with ReplayServer(season, ReplayOptions(head=START + 3)) as node:
        index(node, truth.contracts, batch_size=1)
        node.fork(2, 4)
        rollbacks = index(node, truth.contracts, batch_size=1).rollbacks
    assert rollbacks
    notified = [
        payload for payload in received(listener, START + 5) if (commit_of(payload) or (0, 0))[1] > block.revision
    ]
    bare = [payload for payload in notified if len(payload.split(" ", 2)) == 2]
    assert START + 1 in [int(payload.split(" ")[0]) for payload in bare], "the rollback's"
    for payload in [*bare, *notified[1:], f"{START + 1}", ""]:
        assert step_of_payload(payload, block, cursor) is None
