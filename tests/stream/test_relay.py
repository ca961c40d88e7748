"""The relay: everything reaches the broker, in order, whatever fails."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.stream.broker import Received
from indexer.stream.feed import CHANNELS
from indexer.stream.iggy import IggyBroker
from indexer.stream.relay import Relay
from indexer.stream.topics import (
    FEED,
    PARTITIONS,
    CommitMessage,
    EventMessage,
    ReorgMessage,
    TopicPartition,
    all_partitions,
    decode,
)
from tests.filling import fill
from tests.iggy.real import Server, iggy
from tests.indexing import following, index
from tests.processes import HEAD, await_block, await_tip, await_true, run_command
from tests.stream.expected import expected_feed
from tests.stream.memory import MemoryBroker
from tests.stream.relaying import relay
from tests.web import NO_NODE

ABOUT = {
    "market": "round_id",
    "scans": "level",
    "deaths": "level",
    "token": "from",
    "fees": "nothing",
    "system": "nothing",
}


@pytest.fixture
def server() -> Iterator[Server]:
    with iggy() as one:
        yield one


def everything(server: Server) -> dict[TopicPartition, list[Received]]:
    """All messages of all partitions."""

    async def read() -> dict[TopicPartition, list[Received]]:
        broker = IggyBroker(server.url, 6343)
        return {partition: await broker.poll(partition, 0, 1_000_000) for partition in all_partitions()}

    return asyncio.run(read())


def types_by_id(messages: list[Received]) -> dict[int, str]:
    """The events that a consumer has in the end, which skips what it has already and applies reorgs; new ones must
    come in order, and repeated ones must be the same."""
    known: dict[int, str] = {}
    seen: dict[int, int] = {}
    for message in messages:
        match decode(message.payload):
            case EventMessage() as event if event.id in known:
                assert seen[event.id] == message.id
            case EventMessage() as event:
                assert event.id > max(known, default=0)
                known[event.id], seen[event.id] = event.type, message.id
            case ReorgMessage() as reorg:
                known = {place: kind for place, kind in known.items() if place >> 23 <= reorg.ancestor_block}
            case CommitMessage():
                pass
    return known


def feed(server: Server) -> dict[int, str]:
    return types_by_id(everything(server)[FEED])


def arrives(server: Server, expected: Callable[[], dict[int, str]]) -> None:
    def arrived() -> bool:
        return server.has_topic("feed") and feed(server) == expected()

    await_true(arrived, "the feed is not what the tables hold", seconds=40)


def test_everything_is_published_in_order_by_topic_and_key(
    database: str, connection: Connection[Any], season: list[RecordedBlock], server: Server
) -> None:
    fill(connection, HEAD)
    with relay(database, server):
        arrives(server, lambda: expected_feed(connection, CHANNELS))
    found = everything(server)
    keys: dict[tuple[str, str], set[int]] = {}
    apart: dict[int, str] = {}
    for (topic, partition), messages in found.items():
        if topic != FEED.topic:
            apart |= types_by_id(messages)
            for message in messages:
                event = decode(message.payload)
                assert isinstance(event, EventMessage)
                keys.setdefault((topic, event.key), set()).add(partition)
                assert event.key == str(event.event.data.get(ABOUT.get(topic, "user"), event.key))
                assert event.block_hash == season[event.id >> 23].hash
    assert apart == expected_feed(connection, CHANNELS)
    assert all(len(partitions) == 1 for partitions in keys.values())
    assert {topic for topic, _ in keys} == set(PARTITIONS) - {FEED.topic}
    for topic in ("scans", "deaths"):
        assert {*range(5)} == {one.partition for one, messages in found.items() if one.topic == topic and messages}
    assert isinstance(decode(found[FEED][-1].payload), CommitMessage)


def test_reorgs_are_published_to_every_partition_and_what_replaces_them_follows(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth, server: Server
) -> None:
    fill(connection, 150)
    with (
        ReplayServer(season, ReplayOptions(head=150)) as node,
        following(node, truth.contracts, ws=True),
        relay(database, server),
    ):
        arrives(server, lambda: expected_feed(connection, CHANNELS))
        node.fork(9, 12)
        await_tip(connection, node.chain.blocks[-1].hash)
        arrives(server, lambda: expected_feed(connection, CHANNELS))
        node.restore_recorded(170)
        await_tip(connection, node.chain.blocks[-1].hash)
        arrives(server, lambda: expected_feed(connection, CHANNELS))
    for messages in everything(server).values():
        reorgs = [one for one in (decode(message.payload) for message in messages) if isinstance(one, ReorgMessage)]
        assert [reorg.ancestor_block for reorg in reorgs] == [141, 141]


def test_while_the_broker_is_away_events_wait_and_the_indexer_goes_on(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth, server: Server
) -> None:
    fill(connection, 150)
    with (
        ReplayServer(season, ReplayOptions(head=150)) as node,
        following(node, truth.contracts, ws=True),
        relay(database, server),
    ):
        arrives(server, lambda: expected_feed(connection, CHANNELS))
        server.stop()
        for block in range(170, 251, 20):
            node.advance(20)
            await_block(connection, block)
        server.start()
        arrives(server, lambda: expected_feed(connection, CHANNELS))


def test_what_waits_for_a_broker_that_is_away_is_counted_and_its_return_logged(
    database: str, season: list[RecordedBlock], truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    def lag() -> float | None:
        return REGISTRY.get_sample_value("stream_lag_blocks")

    async def work() -> None:
        broker = MemoryBroker()
        broker.unavailable = True
        task = asyncio.create_task(Relay(broker).run())
        for expected in (100, 0):
            async with asyncio.timeout(50):
                while lag() != expected:  # noqa: ASYNC110 - a figure notifies nobody of its changes
                    await asyncio.sleep(0.02)
            broker.unavailable = False
        task.cancel()

    with ReplayServer(season, ReplayOptions(head=100)) as node:
        index(node, truth.contracts)
    asyncio.run(asyncio.wait_for(work(), 150))
    outage = [one.message for one in caplog.records if one.name == "indexer.stream.reconnect"]
    assert len(outage) == 2
    assert outage[0].startswith("events wait in the database, trying again")
    assert outage[1] == "ghostnet relay: works again"


def test_a_second_relay_takes_over_when_the_first_is_killed(
    database: str, connection: Connection[Any], server: Server
) -> None:
    """Killed while it publishes: what is published twice has the same ids."""
    fill(connection, HEAD)
    with relay(database, server) as first, relay(database, server):
        await_true(lambda: server.has_topic("feed") and len(everything(server)[FEED]) > 500, "nothing was published")
        first.kill()
        arrives(server, lambda: expected_feed(connection, CHANNELS))


def test_without_a_broker_there_is_nothing_to_relay(database: str) -> None:
    done = run_command(database, NO_NODE, "relay_events")
    assert done.returncode == 1
    assert "IGGY_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr
