"""Replays beside what is live: a hub that is not as far as the tables, or does not know its place yet."""

import asyncio
from typing import Any

from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.iggy.real import Server, iggy
from tests.processes import HEAD, await_tip, await_true, live
from tests.realtime.socket import Browser, ask, dial, receive, resume
from tests.stream.expected import expected_feed
from tests.stream.relaying import relay
from tests.web import WebClient, web


def test_who_subscribes_before_the_hub_knows_its_place_misses_nothing(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """The broker is away when the web process starts; replays come from the tables all the same."""
    since, browser = (HEAD - 4) << 23, Browser(["feed"])

    def expected() -> set[int]:
        return {place for place in expected_feed(connection, ["feed"]) if place > since}

    async def work(node: ReplayServer, broker: Server, client: WebClient) -> None:
        before = expected()
        following = asyncio.create_task(resume(client, browser, since, lambda: set(browser.events) == end))
        end: set[int] = {-1}
        await asyncio.to_thread(await_true, lambda: set(browser.events) == before, "the replay did not end")
        node.advance(10)
        await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
        broker.start()
        with relay(database, broker):
            while not await knows_the_feed(client):
                pass
            node.advance(10)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            end = expected()
            await following

    with live(database, connection, season) as node, iggy() as broker:
        broker.stop()
        with web(database, IGGY_URL=broker.url) as client:
            asyncio.run(asyncio.wait_for(work(node, broker, client), 150))
    assert browser.faults == []


def test_a_client_ahead_of_the_hub_that_sends_nonsense_gets_nothing_twice(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    browser = Browser(["feed"])

    async def work(node: ReplayServer, broker: Server, client: WebClient) -> None:
        async with dial(client) as socket:
            last = int((await receive(socket))["head"])
            broker.stop()
            node.advance(10)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            await ask(socket, type="SUBSCRIBE", channels=["feed"], since=str(last))
            await ask(socket, type="SUBSCRIBE", channels=["feed"], since=str((1 << 63) - 1))
            while (frame := await receive(socket))["type"] != "ERROR":
                browser.take(frame)
            assert browser.last >> 23 == HEAD + 10
            broker.start()
            node.advance(5)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            expected = {place for place in expected_feed(connection, ["feed"]) if place > last}
            async with asyncio.timeout(30):
                while set(browser.events) != expected:
                    browser.take(await receive(socket))

    with live(database, connection, season) as node, iggy() as broker, relay(database, broker):
        await_true(lambda: broker.has_topic("feed"), "no topics")
        with web(database, IGGY_URL=broker.url) as client:
            asyncio.run(asyncio.wait_for(work(node, broker, client), 150))
    assert browser.faults == []


def test_a_cursor_ahead_of_the_hub_leaves_no_gap_in_what_is_live(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """As one from an answer of the API, or of another web process, while this one's broker is behind."""
    browser = Browser(["scans", "deaths", "tokens", "positions"])

    async def work(node: ReplayServer, broker: Server, client: WebClient) -> None:
        async with dial(client) as socket:
            last = int((await receive(socket))["head"])
            await ask(socket, type="SUBSCRIBE", channels=["scans", "tokens"])
            broker.stop()
            node.advance(10)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            ahead = ((HEAD + 10 + 1) << 23) - 1
            await ask(socket, type="SUBSCRIBE", channels=["deaths"], since=str(ahead))
            await ask(socket, type="SUBSCRIBE", channels=["positions"])
            await ask(socket, type="PING")
            while (frame := await receive(socket))["type"] != "PONG":
                browser.take(frame)
            assert [frame["head"] for frame in browser.others] == [str(last), str(ahead), str(ahead)]
            broker.start()
            node.advance(25)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            expected = {place for place in expected_feed(connection, ["scans", "tokens"]) if place > last}
            expected |= {place for place in expected_feed(connection, browser.channels) if place > ahead}
            assert max(expected) == max(expected_feed(connection, browser.channels))
            async with asyncio.timeout(30):
                while browser.last < max(expected):
                    browser.take(await receive(socket))
            assert set(browser.events) == expected

    with live(database, connection, season) as node, iggy() as broker, relay(database, broker):
        await_true(lambda: broker.has_topic("feed"), "no topics")
        with web(database, IGGY_URL=broker.url) as client:
            asyncio.run(asyncio.wait_for(work(node, broker, client), 150))
    assert browser.faults == []


def test_a_replay_drops_what_a_reorg_dropped_that_the_hub_has_not_read(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    browser = Browser(["tokens", "markets"])

    def expected(since: int) -> dict[int, str]:
        return {place: kind for place, kind in expected_feed(connection, browser.channels).items() if place > since}

    async def work(node: ReplayServer, broker: Server, client: WebClient) -> None:
        async with dial(client) as socket:
            last = int((await receive(socket))["head"])
            await ask(socket, type="SUBSCRIBE", channels=["tokens", "markets"])
            node.advance(10)
            newest = (HEAD + 10) << 23
            while browser.last < newest:
                browser.take(await receive(socket))
            broker.stop()
            for depth, length in ((8, 12), (9, 10)):
                node.fork(depth, length)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                await ask(socket, type="SUBSCRIBE", channels=["fees"], since=str(1 << 23))
                await ask(socket, type="PING")
                while (frame := await receive(socket))["type"] != "PONG":
                    if frame.get("channel") != "fees":
                        browser.take(frame)
                found = {place: event["event"]["type"] for place, event in browser.events.items()}
                assert found == expected(last)
            await ask(socket, type="SUBSCRIBE", channels=["positions"], since=str(((HEAD + 16) << 23) - 1))
            await ask(socket, type="PING")
            replaced = Browser(["positions"])
            while (frame := await receive(socket))["type"] != "PONG":
                browser.take(frame)
                replaced.take(frame)
            assert replaced.reorgs == [(HEAD + 3) << 23]
            for channel in ("positions", "tokens"):
                dropped = {place for place in expected_feed(connection, [channel]) if place >= replaced.reorgs[0]}
                assert (
                    {place for place, event in replaced.events.items() if event["channel"] == channel}
                    == dropped
                    != set()
                )
            browser.events = {
                place: event for place, event in browser.events.items() if event["channel"] in browser.channels
            }
            broker.start()
            node.advance(5)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            async with asyncio.timeout(30):
                while set(browser.events) != set(expected(last)):
                    if (frame := await receive(socket)).get("channel") not in ("fees", "positions"):
                        browser.take(frame)

    with live(database, connection, season) as node, iggy() as broker, relay(database, broker):
        await_true(lambda: broker.has_topic("feed"), "no topics")
        with web(database, IGGY_URL=broker.url) as client:
            asyncio.run(asyncio.wait_for(work(node, broker, client), 150))
    assert browser.faults == []


async def knows_the_feed(client: WebClient) -> bool:
    """Whether the hub has read where the feed stands: a new connection receives it."""
    async with dial(client) as socket:
        return (await receive(socket))["indexed_block"] is not None
