"""A client during a replay, after one from a newer state than the hub's, and right before a step of the hub."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from psycopg import Connection

from indexer.domain.units import address_of, block_of, first_id
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.commits import CommitWatcher
from indexer.stream.connection import connect
from indexer.stream.feed import FeedEvent, FeedItem
from indexer.stream.reader import FeedCursor, Step, read_step
from indexer.stream.source import DatabaseSource
from realtime.client import Client
from realtime.delivery import Delivery
from realtime.hub import Hub
from realtime.preconfirmed import PreconfirmedItems
from realtime.updates import PositionUpdates
from tests.filling import fill
from tests.rows import fetch_one


class RecordedWriter:
    """Keeps the frames that would be sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)


def item(item_id: int) -> FeedItem:
    return FeedItem(item_id, "scans", True, "1", FeedEvent("SCAN_EXECUTED", {}, 0, 0, "0x"))


def test_known_items_are_not_sent_again_and_a_reorg_of_them_is_sent() -> None:
    writer = RecordedWriter()
    client = Client(cast("Any", writer), "192.0.2.1", cursor=100, channels={"scans": 0}, in_sync=False, revision=7)
    client.send_item(item(90), b"known")
    client.send_reorg(101, b"reorg of nothing that it knows")
    client.sync(6)
    client.send_reorg(95, b"reorg")
    client.send_item(item(96), b"replaced")
    client.sync(7)
    client.send_item(item(97), b"live")
    assert writer.frames == [b"reorg", b"replaced", b"live"]


def step(block: int, *items: FeedItem) -> Step:
    indexed = IndexedBlock(1, 0, block, "0x", datetime(2026, 1, 1, tzinfo=UTC), 0, block, 0)
    return Step(indexed, FeedCursor(first_id(block + 1) - 1, 0), None, [*items], set())


@pytest.mark.parametrize("comes_later", [False, True])
def test_what_is_dropped_during_a_replay_is_dropped_after_it_unless_it_has_come(comes_later: bool) -> None:
    writer = RecordedWriter()
    client = Client(cast("Any", writer), "192.0.2.1", channels={"scans": 0}, preconfirmed_channels={"scans"})
    preconfirmed = PreconfirmedItems(Delivery(), PositionUpdates())
    preconfirmed._clients.add(client)
    asyncio.run(preconfirmed.send([item(first_id(7))]))
    client.in_sync = False
    preconfirmed.match(step(7), [])
    assert len(writer.frames) == 1, "a replay may bring it in a later block"
    preconfirmed.match(step(8, *([item(first_id(8))] if comes_later else [])), [])
    client.in_sync = True
    preconfirmed.synced(client)
    assert [b"DROPPED" in frame for frame in writer.frames] == ([False] if comes_later else [False, True])


def test_who_watches_a_player_right_before_a_step_gets_what_the_player_survives_in_it(
    database: str, connection: Connection[Any]
) -> None:
    """The hub has read the step already, and not sent it yet."""
    fill(connection, 150)
    scan = fetch_one(connection, "SELECT max(id) FROM chain_events WHERE name = 'ScanFinalized'")
    players = connection.execute("SELECT DISTINCT address FROM positions").fetchall()
    writer = RecordedWriter()
    client = Client(cast("Any", writer), "192.0.2.1")

    async def work() -> None:
        hub = Hub(DatabaseSource(), CommitWatcher())
        hub.add(client)
        async with await connect("ghostnet test") as reading:
            read = await read_step(reading, FeedCursor(first_id(block_of(scan)) - 1, 0), 1)
            assert read is not None
            async with hub.delivery:
                sending = asyncio.create_task(hub._send_step(reading, read))
                await asyncio.sleep(0.01)
                for (address,) in players:
                    hub.updates.watch(client, address_of(address), hub.cursor.event_id)
            await sending

    asyncio.run(work())
    survivors = {json.loads(frame[frame.index(b"{") :])["event"]["data"]["user"] for frame in writer.frames}
    assert survivors
