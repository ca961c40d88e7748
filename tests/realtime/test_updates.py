"""Subscribers of a player receive each change of that player's position, and no other player's."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection
from websockets.asyncio.client import ClientConnection

from indexer.domain.units import to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from tests.iggy.real import iggy
from tests.indexing import index
from tests.processes import HEAD, await_tip, await_true, live
from tests.realtime.socket import Browser, ask, dial, receive
from tests.rows import fetch_one
from tests.stream.relaying import relay
from tests.web import WebClient, web


def test_a_subscriber_gets_the_position_of_its_player_only_and_what_a_reorg_did_to_it(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    rows = truth.checkpoints["314"]["players"]

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket:
            browser = Browser([])
            await watch_players(socket, sorted(rows)[:60])
            node.advance(14)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            touched = touched_since(connection, HEAD + 1) & set(sorted(rows)[:60])
            assert touched
            answers = {one: client.get(f"/api/v1/positions/{one}").json()["position"] for one in sorted(rows)[:60]}
            expected = {address: answers[address] for address in touched}
            async with asyncio.timeout(50):
                while not expected.items() <= browser.updates.items():
                    browser.take(await receive(socket))
            assert set(browser.updates) <= set(answers)
            browser.updates.clear()
            node.fork(14, 1)
            async with asyncio.timeout(50):
                while len(browser.updates) < 60:
                    browser.take(await receive(socket))
            assert browser.reorgs == [(HEAD + 1) << 23]

    with live(database, connection, season) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 150))


def test_positions_that_could_not_be_sent_when_they_changed_are_sent_later(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """A lock holds up the reading of positions, and whoever waits for it is killed. No boosts are applied in these
    blocks: the indexer does not need the table."""
    addresses = sorted(truth.checkpoints["314"]["players"])[:60]
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with dial(client) as socket:
            await watch_players(socket, addresses)
            with psycopg.connect(database) as other:
                other.execute("LOCK TABLE boosts IN ACCESS EXCLUSIVE MODE")
                node.advance(14)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                count = f"SELECT count(*) {waiting}"
                await asyncio.to_thread(await_true, lambda: fetch_one(connection, count) > 0, "nobody asked")
                connection.execute(f"SELECT pg_terminate_backend(pid) {waiting}")
            await await_updates(socket, touched_since(connection, 306) & set(addresses))

    with live(database, connection, season, 305) as node, web(database) as client:
        asyncio.run(asyncio.wait_for(work(node, client), 150))


def test_positions_changed_in_a_long_backlog_of_the_broker_are_sent(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """One commit that the relay publishes in several parts."""
    addresses = sorted(truth.checkpoints["314"]["players"])[:60]

    async def work(client: WebClient, commit: Callable[[], object]) -> None:
        async with dial(client) as socket:
            await watch_players(socket, addresses)
            await asyncio.to_thread(commit)
            touched = touched_since(connection, HEAD + 1) & set(addresses)
            assert len(touched) > 20
            await await_updates(socket, touched)

    with ReplayServer(season) as node, iggy() as broker:
        index(node, truth.contracts, to_block=HEAD)
        with relay(database, broker), web(database, IGGY_URL=broker.url) as client:
            await_true(lambda: broker.has_topic("feed"), "no topics")
            commit = partial(index, node, truth.contracts, to_block=HEAD + 500, batch_size=500)
            asyncio.run(asyncio.wait_for(work(client, commit), 150))


def touched_since(connection: Connection[Any], block: int) -> set[str]:
    """The players whose positions changed in a block or later."""
    rows = connection.execute("SELECT address FROM positions WHERE id >= %s", (block << 23,))
    return {to_hex(address) for (address,) in rows}


async def watch_players(socket: ClientConnection, addresses: list[str]) -> None:
    """Subscribe to these players."""
    for address in addresses:
        await ask(socket, type="SUBSCRIBE_USER", address=address)
    while len((await receive(socket)).get("users", ())) < len(addresses):
        pass


async def await_updates(socket: ClientConnection, players: set[str]) -> None:
    """Wait until each of these players' positions was received."""
    browser = Browser([])
    async with asyncio.timeout(50):
        while set(browser.updates) < players:
            browser.take(await receive(socket))
