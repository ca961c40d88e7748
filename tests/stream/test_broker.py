"""What every broker must do: one suite of tests, run against each.

The real Iggy server is the one that IGGY_URL names; without it that part is skipped, and the real client library talks
to a stand-in.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from apache_iggy import IggyClient

from indexer.stream.broker import Broker, BrokerUnavailable, OtherVersion, Received
from indexer.stream.iggy import CLIENT, IggyBroker, _configuration
from indexer.stream.topics import STREAM, Message, TopicPartition, all_partitions
from tests.iggy.real import REAL, Server, iggy
from tests.iggy.server import StandIn
from tests.stream.memory import MemoryBroker

PARTITION = TopicPartition("positions", 2)
MakeBroker = Callable[[], Broker]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture(params=["memory", "stand-in", "iggy"])
def broker(request: pytest.FixtureRequest, stand_in: StandIn) -> Iterator[MakeBroker]:
    """Makes brokers that all reach the same server."""
    if request.param == "memory":
        one = MemoryBroker()
        yield lambda: one
    elif request.param == "stand-in":
        yield lambda: IggyBroker(stand_in.url, 6343)
    elif REAL is None:
        pytest.skip("IGGY_URL names no real Iggy server")
    else:
        with iggy() as server:
            yield lambda: IggyBroker(server.url, 6343)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 150))


def message(number: int, size: int = 10) -> Message:
    return Message(number, "event", b"%d" % number + b"." * size)


def test_what_was_published_is_read_in_order_from_any_offset(broker: MakeBroker) -> None:
    async def work() -> None:
        writer, reader = broker(), broker()
        await writer.create_topics()
        start = await reader.end(PARTITION)
        messages = [message(number) for number in range(1, 5_001)]
        await writer.publish(PARTITION, messages[:3])
        await writer.publish(PARTITION, messages[3:])
        assert await reader.end(PARTITION) == start + 5_000
        found: list[Received] = []
        while len(found) < 5_000:
            found += await reader.poll(PARTITION, start + len(found), 700)
        assert [one.offset for one in found] == list(range(start, start + 5_000))
        assert [(one.id, one.payload) for one in found] == [(one.id, one.payload) for one in messages]
        middle = await reader.poll(PARTITION, start + 2, 2)
        assert [one.id for one in middle] == [3, 4]
        assert await reader.poll(PARTITION, start + 5_000, 10) == []

    run(work())


def test_partitions_are_apart(broker: MakeBroker) -> None:
    async def work() -> None:
        one = broker()
        await one.create_topics()
        ends = {partition: await one.end(partition) for partition in all_partitions()}
        await one.publish(PARTITION, [message(1)])
        ends[PARTITION] += 1
        assert ends == {partition: await one.end(partition) for partition in all_partitions()}

    run(work())


def test_topics_are_made_once_however_many_make_them(broker: MakeBroker) -> None:
    async def work() -> None:
        await asyncio.gather(*(broker().create_topics() for _ in range(4)))
        await broker().create_topics()
        for partition in all_partitions():
            assert await broker().end(partition) >= 0

    run(work())


def test_partitions_that_a_topic_lacks_are_added() -> None:
    """Another program has made it, as consumers can, with one."""

    async def work(server: Server) -> None:
        other = IggyClient(_configuration(server.url))
        await other.connect()
        await other.create_stream(STREAM)
        await other.create_topic(STREAM, PARTITION.topic, 1)
        broker = IggyBroker(server.url, 6343)
        await broker.create_topics()
        await broker.publish(PARTITION, [message(1)])
        assert [one.id for one in await broker.poll(PARTITION, 0, 10)] == [1]

    with iggy() as server:
        run(work(server))


def test_a_stream_that_is_gone_is_named_and_made_again() -> None:
    async def work(server: Server) -> None:
        broker = IggyBroker(server.url, 6343)
        await broker.create_topics()
        await asyncio.to_thread(server.forget)
        for call in (broker.publish(PARTITION, [message(1)]), broker.poll(PARTITION, 0, 10), broker.end(PARTITION)):
            with pytest.raises(BrokerUnavailable, match="topic positions, partition 2: "):
                await call
        await broker.create_topics()
        await broker.publish(PARTITION, [message(2)])
        assert [one.id for one in await broker.poll(PARTITION, 0, 10)] == [2]

    with iggy() as server:
        run(work(server))


def test_large_messages_arrive_whole(broker: MakeBroker) -> None:
    async def work() -> None:
        one = broker()
        await one.create_topics()
        start = await one.end(PARTITION)
        await one.publish(PARTITION, [message(1, 200_000), message(2, 0)])
        first, second = await one.poll(PARTITION, start, 10)
        assert (len(first.payload), second.payload) == (200_001, b"2")

    run(work())


def test_a_server_that_comes_back_is_used_again() -> None:
    async def work(server: StandIn) -> None:
        broker = IggyBroker(server.url, 6343)
        await broker.create_topics()
        await broker.publish(PARTITION, [message(1)])
        server.stop()
        for _ in range(2):
            with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1"):
                await broker.publish(PARTITION, [message(2)])
        server.start()
        await broker.publish(PARTITION, [message(3)])
        assert [one.id for one in await broker.poll(PARTITION, 0, 10)] == [1, 3]

    with StandIn() as server:
        run(work(server))


def test_a_silent_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.stream.iggy.CALL_SECONDS", 0.5)

    async def work(server: StandIn) -> None:
        broker = IggyBroker(server.url, 6343)
        await broker.create_topics()
        server.silent = True
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await broker.publish(PARTITION, [message(1)])
        server.silent = False
        await broker.publish(PARTITION, [message(2)])

    with StandIn() as server:
        run(work(server))


def test_tls_accepts_certificates_of_the_named_authority_only(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    for name, ca in (("ours.pem", authority), ("stranger.pem", stranger)):
        ca.cert_pem.write_to_path(tmp_path / name)

    async def work(server: StandIn) -> None:
        broker = IggyBroker(f"{server.url}?ca={tmp_path / 'ours.pem'}", 6343)
        await broker.create_topics()
        await broker.publish(PARTITION, [message(1)])
        assert [one.id for one in await broker.poll(PARTITION, 0, 10)] == [1]
        for wrong in (f"{server.url}?ca={tmp_path / 'stranger.pem'}", server.url.replace("iggy+tls", "iggy")):
            with pytest.raises(BrokerUnavailable):
                await IggyBroker(wrong, 6343).end(PARTITION)

    with StandIn(tls=context) as server:
        run(work(server))


def test_a_wrong_password_is_reported_without_showing_it() -> None:
    async def work(server: StandIn) -> None:
        with pytest.raises(BrokerUnavailable) as raised:
            await IggyBroker(server.url.replace("iggy:iggy", "iggy:secret-word"), 6343).create_topics()
        assert "secret-word" not in str(raised.value)

    with StandIn() as server:
        run(work(server))


def test_a_server_of_another_version_is_named_with_ours() -> None:
    async def work(server: StandIn) -> None:
        broker = IggyBroker(server.url, 6343)
        await broker.create_topics()
        with pytest.raises(OtherVersion, match=rf"\(the server is 0\.9\.0-edge\.1, our client {CLIENT}\)"):
            await broker.publish(TopicPartition("positions", 99), [message(1)])

    with StandIn(version="0.9.0-edge.1") as server:
        run(work(server))


def test_a_server_of_the_old_protocol_is_named_with_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for as many bytes as the first four say, which are never that many; a ping it answers by eight."""
    writers: list[asyncio.StreamWriter] = []
    monkeypatch.setattr("indexer.stream.iggy.CALL_SECONDS", 0.5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await reader.readexactly(4), "little")
            if await reader.readexactly(size or 1_000) == b"\1\0\0\0":
                writer.write(bytes(8))
            await reader.read()

    async def work() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(OtherVersion, match=rf"the server is before 0\.9, our client {CLIENT}"):
                await IggyBroker(f"iggy://iggy:iggy@127.0.0.1:{port}", 6343).create_topics()
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0)

    run(work())


def test_a_server_of_another_kind_is_not_taken_for_an_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the port at which Iggy speaks HTTP."""
    monkeypatch.setattr("indexer.stream.iggy.CALL_SECONDS", 0.5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def work() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(BrokerUnavailable) as raised:
                await IggyBroker(f"iggy://iggy:iggy@127.0.0.1:{port}", 6343).create_topics()
            assert type(raised.value) is BrokerUnavailable

    run(work())
