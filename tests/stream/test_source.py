"""The feed topic as a source: whatever a broker loses, no item is missing, and none comes twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.stream import reader, source
from indexer.stream.connection import connect
from indexer.stream.feed import CHANNELS
from indexer.stream.reader import Step
from indexer.stream.source import BrokerSource, DatabaseSource, FellBehind, TablesAreOlder
from indexer.stream.topics import FEED, Message, TopicPartition
from tests.filling import fill, restore
from tests.indexing import index
from tests.stream.expected import expected_feed
from tests.stream.memory import MemoryBroker
from tests.stream.relaying import relaying

START, MIDDLE, END = 300, 315, 330


class WatchedBroker(MemoryBroker):
    """A broker that knows when a reader asks where a topic ends."""

    def __init__(self) -> None:
        super().__init__()
        self._checked = asyncio.Event()

    async def end(self, partition: TopicPartition) -> int:
        self._checked.set()
        return await super().end(partition)

    async def await_check(self) -> None:
        """Wait until a reader asks from now on."""
        self._checked.clear()
        await self._checked.wait()


@asynccontextmanager
async def begun(broker: MemoryBroker) -> AsyncIterator[AsyncIterator[Step]]:
    """The steps of a source that begins at the topic's end, and at the newest block."""
    feed = BrokerSource(broker)
    async with await connect("ghostnet test") as connection:
        await feed.begin(connection)
        found = await reader.read_newest(connection)
        assert found is not None
        yield feed.steps(connection, *found)


async def follow(node: ReplayServer, truth: Truth, to_block: int, **options: Any) -> None:
    """Index up to a block, beside the event loop."""
    await asyncio.to_thread(partial(index, node, truth.contracts, to_block=to_block, **options))


async def make_anew(broker: MemoryBroker) -> None:
    """Somebody deleted the topic, and it was made again."""
    broker.lose(FEED, slice(None))


async def lose_end(broker: MemoryBroker) -> None:
    """A crash took messages that were read already and some that were not."""
    broker.lose(FEED, slice(-40, None))


async def lose_middle(broker: MemoryBroker) -> None:
    """Retention took what nobody had read yet."""
    broker.lose(FEED, slice(0, -5))


async def publish_nonsense(broker: MemoryBroker) -> None:
    await broker.publish(FEED, [Message(7, "event", b"not of ours")])


async def lose_nothing(broker: MemoryBroker) -> None:
    """All is well."""


@pytest.mark.parametrize("trouble", [lose_nothing, make_anew, lose_end, lose_middle, publish_nonsense])
@pytest.mark.parametrize("asleep", [False, True], ids=["reading", "not reading meanwhile"])
def test_what_the_topic_lacks_is_read_from_the_tables(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    trouble: Any,
    asleep: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "LONG_SILENCE", 0.1)
    received: list[int] = []

    async def work(node: ReplayServer) -> None:
        broker = WatchedBroker()
        at_middle = asyncio.Event()
        go = partial(follow, node, truth)
        async with relaying(broker, START):
            pass
        async with begun(broker) as steps:

            async def read() -> None:
                async for step in steps:
                    assert step.ancestor is None
                    received.extend(item.id for item in step.items)
                    if step.block.block_number == MIDDLE:
                        at_middle.set()
                    if step.block.block_number == END:
                        return

            reading = None if asleep else asyncio.create_task(read())
            async with relaying(broker, MIDDLE):
                await go(MIDDLE, batch_size=1)
            if reading:
                await at_middle.wait()
            await trouble(broker)
            if reading:
                await broker.await_check()
            async with relaying(broker, END):
                await go(END, batch_size=1)
            await asyncio.wait_for(reading or read(), 50)

    fill(connection, START)
    with ReplayServer(season) as node:
        asyncio.run(asyncio.wait_for(work(node), 150))
    assert received == sorted(item_id for item_id in expected_feed(connection, CHANNELS) if item_id >> 23 > START)


def test_a_reorg_that_the_topic_lost_is_read_from_the_tables(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """A crash took its messages, and what came then stands at their offsets."""

    async def work(node: ReplayServer) -> None:
        broker = MemoryBroker()
        go = partial(follow, node, truth)
        async with relaying(broker, START):
            pass
        async with begun(broker) as steps:
            kept = await broker.end(FEED)
            node.fork(5, 16)
            await go(START)
            async with relaying(broker, START):
                pass
            broker.lose(FEED, slice(kept, None))
            await go(START + 11)
            async with relaying(broker, START + 11):
                pass
            step = await asyncio.wait_for(anext(aiter(steps)), 50)
            assert step.ancestor == START - 5
            assert step.block.block_number == START + 11
            expected = sorted(item_id for item_id in expected_feed(connection, CHANNELS) if item_id >> 23 > START - 5)
            assert [item.id for item in step.items] == expected

    fill(connection, START)
    with ReplayServer(season, ReplayOptions(head=START)) as node:
        asyncio.run(asyncio.wait_for(work(node), 150))


def test_a_reader_too_far_behind_raises_and_begins_at_the_end(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "MAX_ITEMS", 50)

    async def work(node: ReplayServer) -> None:
        broker = MemoryBroker()
        feed = BrokerSource(broker)
        await broker.create_topics()
        async with await connect("ghostnet test") as own:
            await feed.begin(own)
            found = await reader.read_newest(own)
            assert found is not None
            await follow(node, truth, END)
            async with relaying(broker, END):
                pass
            with pytest.raises(FellBehind):
                await anext(aiter(feed.steps(own, *found)))
            await feed.begin(own)
            newest = await reader.read_newest(own)
            assert newest is not None
            await follow(node, truth, END + 1)
            async with relaying(broker, END + 1):
                pass
            step = await anext(aiter(feed.steps(own, *newest)))
            assert {item.block_number for item in step.items} == {END + 1}

    fill(connection, START)
    with ReplayServer(season) as node:
        asyncio.run(asyncio.wait_for(work(node), 150))


@pytest.mark.parametrize("make", [DatabaseSource, BrokerSource], ids=["tables", "broker"])
@pytest.mark.parametrize("connected", [True, False])
def test_a_restored_backup_is_found_though_its_revisions_come_a_second_time(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth, make: Any, connected: bool
) -> None:
    async def work(node: ReplayServer) -> None:
        broker = MemoryBroker()
        feed: DatabaseSource | BrokerSource = make() if make is DatabaseSource else make(broker)

        async def go_on(block: int) -> None:
            async with relaying(broker, block):
                await follow(node, truth, block, batch_size=1)

        await go_on(START)
        async with await connect("ghostnet test") as own:
            await feed.begin(own)
            newest = await reader.read_newest(own)
            assert newest is not None
            steps = aiter(feed.steps(own, *newest))
            await go_on(START + 2)
            step = await asyncio.wait_for(anext(steps), 50)
            while step.block.block_number < START + 2:
                step = await asyncio.wait_for(anext(steps), 50)
            if not connected:
                steps = aiter(feed.steps(own, step.block, step.cursor))
            restore(connection, START)
            if connected:
                await go_on(START + 1)
            with pytest.raises(TablesAreOlder, match=f"held block {START + 2} at revision"):
                await asyncio.wait_for(anext(steps), 50)

    fill(connection, START)
    with ReplayServer(season) as node:
        asyncio.run(asyncio.wait_for(work(node), 150))
