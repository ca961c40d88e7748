"""Clients of `/ws` while the chain goes on, forks, and things fail: in the end each has seen exactly what happened."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import Connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.iggy.server import StandIn
from tests.processes import await_block, await_tip, await_true, indexer
from tests.realtime.socket import Browser, ask, canonical, dial, receive
from tests.stream.test_relay import relay
from tests.web import WebClient, web

HEAD = 300
END = 420
CHANNELS = ["positions", "scans", "deaths", "markets", "tokens", "fees", "system", "feed"]
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'ghostnet %'"
)
"""Ends the sessions of web processes; the indexer has tests of its own."""


@contextmanager
def live(database: str, connection: Connection[Any], season: list[RecordedBlock]) -> Iterator[ReplayServer]:
    """A node at block 300 that an indexer of its own follows."""
    with (
        ReplayServer(season, ReplayOptions(head=HEAD)) as node,
        indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url),
    ):
        await_block(connection, HEAD)
        yield node


async def watch(browser: Browser, servers: list[WebClient], done: asyncio.Event, chance: random.Random) -> None:
    """Look at the feed, lose the connection again and again, go on where it was."""
    while True:
        last = done.is_set()
        try:
            async with dial(chance.choice(servers)) as socket:
                await ask(socket, type="SUBSCRIBE", channels=browser.channels, since=str(browser.last))
                patience = asyncio.timeout(40 if last else chance.random())
                frames = chance.randrange(1, 400)
                if last:
                    await ask(socket, type="PING")
                try:
                    async with patience:
                        while last or frames > 0:
                            frame = await receive(socket)
                            if frame["type"] == "PONG":
                                return
                            browser.take(frame)
                            frames -= 1
                except TimeoutError:
                    assert not last, "the last replay did not end"
        except (ConnectionClosed, InvalidHandshake, OSError):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("seed", "stream"), [(1, "database"), (4, "iggy")])
def test_whatever_happens_each_client_has_seen_what_the_tables_hold(
    database: str, connection: Connection[Any], season: list[RecordedBlock], seed: int, stream: str
) -> None:
    """Forks, lost database connections and a broker that goes away, two web processes; 25 clients, each with channels
    of its own."""
    chance = random.Random(seed)
    browsers = [Browser(chance.sample(CHANNELS, chance.randrange(1, 4))) for _ in range(25)]

    async def work(node: ReplayServer, servers: list[WebClient], broker: StandIn | None) -> None:
        done = asyncio.Event()
        done.set()
        await asyncio.gather(*(watch(browser, servers, done, chance) for browser in browsers))
        done.clear()
        watching = [
            asyncio.create_task(watch(browser, servers, done, random.Random(chance.random()))) for browser in browsers
        ]
        for step in range(60):
            if step == 30:
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                await asyncio.sleep(0.3)
                node.fork(5, 6)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            match chance.choice(["advance"] * 8 + ["fork", "deeper", "kill"]):
                case "advance":
                    node.advance(2)
                case "fork":
                    node.fork(chance.randrange(1, 9), chance.randrange(1, 12))
                case "deeper":
                    node.fork(12, 6)
                    await asyncio.sleep(0.2)
                    node.fork(14, 20)
                case "kill":
                    connection.execute(KILL)
                    if broker is not None:
                        broker.stop()
                        await asyncio.sleep(0.1)
                        broker.start()
            await asyncio.sleep(chance.random() / 10)
        node.settle(END)
        await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
        done.set()
        await asyncio.gather(*watching)

    with ExitStack() as stack:
        node = stack.enter_context(live(database, connection, season))
        broker = stack.enter_context(StandIn()) if stream == "iggy" else None
        variables = {"IGGY_URL": broker.url} if broker else {}
        if broker:
            stack.enter_context(relay(database, broker))
        servers = [stack.enter_context(web(database, **variables)) for _ in range(2)]
        asyncio.run(asyncio.wait_for(work(node, servers, broker), 100))
    for browser in browsers:
        assert browser.faults == []
        told = {place: event["event"]["type"] for place, event in browser.events.items()}
        assert told == canonical(connection, browser.channels), browser.channels
    assert any(browser.reorgs for browser in browsers)


@pytest.mark.parametrize("stream", ["database", "iggy"])
def test_who_stays_sees_a_reorg_and_what_replaces_it(
    database: str, connection: Connection[Any], season: list[RecordedBlock], stream: str
) -> None:
    browser, nothing = Browser(["feed"]), Browser([])

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket, dial(client) as silent:
            state = await receive(socket)
            await receive(silent)
            await ask(socket, type="SUBSCRIBE", channels=["feed"])
            await receive(socket)
            node.advance(10)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            node.fork(6, 8)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            last = int(state["head"])
            expected = {place for place in canonical(connection, ["feed"]) if place > last}
            async with asyncio.timeout(10):
                while set(browser.events) != expected or not browser.reorgs:
                    browser.take(await receive(socket))
            assert browser.reorgs == [(HEAD + 5) << 23]
            await ask(silent, type="PING")
            nothing.take(await receive(silent))
            assert nothing.others == [{"type": "PONG"}], "who has not subscribed is told nothing"

    with ExitStack() as stack:
        node = stack.enter_context(live(database, connection, season))
        variables = {}
        if stream == "iggy":
            broker = stack.enter_context(StandIn())
            stack.enter_context(relay(database, broker))
            await_true(
                lambda: "ghostnet" in broker.streams and "feed" in broker.streams["ghostnet"].topics, "no topics"
            )
            variables = {"IGGY_URL": broker.url}
        client = stack.enter_context(web(database, **variables))
        asyncio.run(asyncio.wait_for(work(node, client), 60))
    assert browser.faults == []


def test_a_player_is_told_of_the_own_position_only_and_of_what_a_reorg_did_to_it(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    rows = truth.checkpoints["314"]["players"]

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket:
            browser = Browser([])
            for address in sorted(rows)[:60]:
                await ask(socket, type="SUBSCRIBE_USER", address=address)
            node.advance(14)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            touched = {
                "0x" + bytes(row[0]).hex()
                for row in connection.execute("SELECT address FROM positions WHERE id >= %s", ((HEAD + 1) << 23,))
            } & set(sorted(rows)[:60])
            assert touched
            async with asyncio.timeout(10):
                while set(browser.updates) < touched:
                    browser.take(await receive(socket))
            assert set(browser.updates) == touched
            for address in touched:
                assert browser.updates[address] == client.get(f"/api/v1/positions/{address}").json()["position"]
            browser.updates.clear()
            node.fork(14, 1)
            async with asyncio.timeout(10):
                while len(browser.updates) < 60:
                    browser.take(await receive(socket))
            assert browser.reorgs == [(HEAD + 1) << 23]

    with live(database, connection, season) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 60))


def test_the_hub_starts_once_and_comes_back_when_its_source_fails(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> None:
        sockets = [dial(client) for _ in range(20)]
        opened = await asyncio.gather(*(socket.__aenter__() for socket in sockets))
        assert listeners(connection) == 1
        for socket in opened:
            await ask(socket, type="SUBSCRIBE", channels=CHANNELS)
        for _ in range(2):
            connection.execute(KILL)
            node.advance()
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
        places = set[int]()
        async with asyncio.timeout(10):
            while not places & {place for place in canonical(connection, CHANNELS) if place >> 23 == HEAD + 2}:
                frame = await receive(opened[0])
                if frame["type"] == "FEED_EVENT":
                    places.add(int(frame["id"]))
        assert listeners(connection) == 1
        assert connections_of(client) == 20
        for entered in sockets:
            await entered.__aexit__(None, None, None)
        await asyncio.sleep(0.2)
        assert connections_of(client) == 0

    with live(database, connection, season) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 60))


def test_a_server_that_stops_says_good_bye(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(client: WebClient) -> int | None:
        async with dial(client) as socket:
            await receive(socket)
            client.stop()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(receive(socket), 10)
            return socket.close_code

    with web(database) as client:
        assert asyncio.run(work(client)) == 1001


def listeners(connection: Connection[Any]) -> int:
    """Sessions of hubs."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ghostnet hub'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def connections_of(client: WebClient) -> float:
    text = client.get("/metrics").content.decode()
    (family,) = [one for one in text_string_to_metric_families(text) if one.name == "websocket_connections"]
    return family.samples[0].value
