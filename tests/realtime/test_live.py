"""Clients of `/ws` while the chain goes on, forks, and things fail: in the end each has received what happened."""

import asyncio
import random
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import Connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.stream.feed import CHANNELS
from tests.iggy.real import Server, iggy
from tests.processes import HEAD, await_tip, await_true, live
from tests.realtime.socket import Browser, ask, dial, receive, resume
from tests.stream.expected import expected_feed
from tests.stream.relaying import relay
from tests.web import WebClient, web

BEGIN, END = 60, 140
STEPS = ["advance"] * 10 + ["fork"] * 4 + ["deeper"] * 2 + ["kill"] * 2
"""What happens meanwhile, in any order."""
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'ghostnet %'"
)
"""Ends the sessions of web processes; the indexer has tests of its own."""


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
    """Forks, lost database connections, a broker that goes away, and two web processes one of which is killed; five
    clients that come and go, each with channels of its own, and one that stays."""
    chance = random.Random(seed)
    browsers = [Browser(chance.sample(CHANNELS, chance.randrange(1, 4))) for _ in range(5)]
    steady = Browser(["feed"])

    async def work(node: ReplayServer, servers: list[WebClient], broker: Server | None) -> None:
        done = asyncio.Event()
        done.set()
        await asyncio.gather(*(watch(browser, servers, done, chance) for browser in browsers))
        done.clear()
        watching = [
            asyncio.create_task(watch(browser, servers, done, random.Random(chance.random()))) for browser in browsers
        ]
        end: set[int] = {-1}  # what no client can have: not known yet
        following = asyncio.create_task(resume(servers[1], steady, 0, lambda: set(steady.events) == end))
        for step, happens in enumerate(chance.sample(STEPS, len(STEPS))):
            if step == len(STEPS) // 2:
                node.advance(20)  # that a fork which left the chain shorter is noticed at all
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                newest = max(expected_feed(connection, ["feed"]))
                await asyncio.to_thread(await_true, partial(steady.has_event, newest), "the newest event did not come")
                node.fork(5, 6)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                servers[0].kill()
                await asyncio.to_thread(servers[0].start)
            match happens:
                case "advance":
                    node.advance(2)
                case "fork":
                    depth = chance.randrange(1, 9)
                    node.fork(depth, max(1, depth + chance.randrange(-3, 4)))
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
        node.restore_recorded(END)
        await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
        done.set()
        end = set(expected_feed(connection, ["feed"]))
        await asyncio.gather(following, *watching)

    with ExitStack() as stack:
        node = stack.enter_context(live(database, connection, season, BEGIN))
        broker = stack.enter_context(iggy()) if stream == "iggy" else None
        variables = {"IGGY_URL": broker.url} if broker else {}
        if broker:
            stack.enter_context(relay(database, broker))
        servers = [stack.enter_context(web(database, **variables)) for _ in range(2)]
        asyncio.run(asyncio.wait_for(work(node, servers, broker), 150))
    for browser in [steady, *browsers]:
        assert browser.faults == []
        sent = {place: event["event"]["type"] for place, event in browser.events.items()}
        assert sent == expected_feed(connection, browser.channels), browser.channels
    assert steady.reorgs


@pytest.mark.parametrize("stream", ["database", "iggy"])
def test_who_stays_sees_a_reorg_and_what_replaces_it(
    database: str, connection: Connection[Any], season: list[RecordedBlock], stream: str
) -> None:
    browser, nothing = Browser(["feed"]), Browser([])

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket, dial(client) as silent:
            last = int((await receive(socket))["head"])
            await receive(silent)
            await ask(socket, type="SUBSCRIBE", channels=["feed"])
            await receive(socket)

            async def see_all() -> None:
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                expected = {place for place in expected_feed(connection, ["feed"]) if place > last}
                async with asyncio.timeout(30):
                    while set(browser.events) != expected:
                        browser.take(await receive(socket))

            node.advance(10)
            await see_all()
            node.fork(6, 8)
            await see_all()
            assert browser.reorgs == [(HEAD + 5) << 23]
            await ask(silent, type="PING")
            nothing.take(await receive(silent))
            assert nothing.others == [{"type": "PONG"}], "a client without subscriptions gets nothing"
            recent = {place for place in expected_feed(connection, ["feed"]) if place >> 23 > HEAD + 5}
            await ask(silent, type="SUBSCRIBE", channels=["feed"], last=len(recent))
            await ask(silent, type="PING")
            while (frame := await receive(silent))["type"] != "PONG":
                nothing.take(frame)
            assert (nothing.reorgs, set(nothing.events)) == ([], recent), "the newest events are of no other fork"

    with ExitStack() as stack:
        node = stack.enter_context(live(database, connection, season))
        variables = {}
        if stream == "iggy":
            broker = stack.enter_context(iggy())
            stack.enter_context(relay(database, broker))
            await_true(lambda: broker.has_topic("feed"), "no topics")
            variables = {"IGGY_URL": broker.url}
        client = stack.enter_context(web(database, **variables))
        asyncio.run(asyncio.wait_for(work(node, client), 150))
    assert browser.faults == []


@pytest.mark.parametrize("path", ["/stats", f"/positions/0x{0:040x}"])
def test_an_answer_after_an_event_is_not_older_than_the_event(
    database: str, connection: Connection[Any], season: list[RecordedBlock], path: str
) -> None:
    """Without `min_block`, from the process that sent the event; from its database, and from its memory."""

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=CHANNELS)
            await asyncio.to_thread(client.await_sharing, "/api/v1/stats")
            for _ in range(15):
                node.advance()
                while (frame := await receive(socket))["type"] != "FEED_EVENT":
                    pass
                answer = await asyncio.to_thread(client.get, f"/api/v1{path}")
                assert int(answer["X-Indexed-Block"]) >= frame["event"]["block"]
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)

    with live(database, connection, season) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 150))


@pytest.mark.parametrize(("head", "ahead", "warning"), [(852, 1, (5, 60)), (374, 1, (3, 10))])
def test_warnings_come_before_a_scan_once(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    head: int,
    ahead: int,
    warning: tuple[int, int],
) -> None:
    """At block 853, 62 seconds before a scan, by the clock; from block 374 to 375 the chain itself jumps from 68 to 9
    seconds before one."""

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket, dial(client) as other:
            await ask(socket, type="SUBSCRIBE", channels=["scans"])
            await ask(other, type="SUBSCRIBE", channels=["deaths"])
            node.advance(ahead)
            found: list[Any] = []
            async with asyncio.timeout(30):
                while not found:
                    found = [frame for frame in [await receive(socket)] if frame["type"] == "SCAN_WARNING"]
            for _ in range(2):  # warnings of one step come before the next one's reorg
                node.fork(1, 1)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                for one in (socket, other):
                    while (frame := await receive(one))["type"] != "REORG":
                        found += [frame] if frame["type"] == "SCAN_WARNING" else []
            assert found == [{"type": "SCAN_WARNING", "level": warning[0], "seconds_until": warning[1]}]

    with live(database, connection, season, head) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 150))


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
        async with asyncio.timeout(30):
            while not places & {place for place in expected_feed(connection, CHANNELS) if place >> 23 == HEAD + 2}:
                frame = await receive(opened[0])
                if frame["type"] == "FEED_EVENT":
                    places.add(int(frame["id"]))
        assert listeners(connection) == 1
        assert connections_of(client) == 20
        for entered in sockets:
            await entered.__aexit__(None, None, None)
        await asyncio.to_thread(await_true, lambda: connections_of(client) == 0, "closed connections are still counted")

    with live(database, connection, season) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 150))


def test_a_server_that_stops_closes_its_sockets_with_1001(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(client: WebClient) -> int | None:
        async with dial(client) as socket:
            await receive(socket)
            client.stop()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(receive(socket), 30)
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
