"""What a browser sees of an event before its block, with it, and if the block does not have it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import pytest
from psycopg import Connection
from websockets.asyncio.client import ClientConnection

from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.digest import state_digest
from tests.databases import default_database
from tests.iggy.server import StandIn
from tests.processes import HEAD, await_tip, await_true, live
from tests.realtime.socket import Frame, ask, dial, receive
from tests.stream.expected import expected_feed
from tests.stream.relaying import relay
from tests.web import WebClient, web

CHANNELS = ["positions", "scans", "deaths", "markets", "tokens", "fees", "system"]


class Spectator:
    """Keeps what came of each key, in order."""

    def __init__(self) -> None:
        self.early: dict[str, Frame] = {}
        self.confirmed: dict[str, Frame] = {}
        self.dropped: list[str] = []
        self.ends: Counter[str] = Counter()
        self.late: list[str] = []

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "FEED_EVENT" if frame["status"] == "preconfirmed":
                assert "id" not in frame
                self.early[frame["key"]] = frame
                if frame["key"] in self.confirmed:
                    self.late.append(frame["key"])
            case "FEED_EVENT":
                assert frame["status"] == "confirmed"
                self.confirmed[frame["key"]] = frame
                self.ends[frame["key"]] += 1
            case "DROPPED":
                self.dropped += frame["keys"]


async def take_until(socket: ClientConnection, spectator: Spectator, found: Collection[str], count: int) -> None:
    """Take in what comes until so many are found."""
    async with asyncio.timeout(20):
        while len(found) < count:
            spectator.take(await receive(socket))


@pytest.fixture
def items_of_block(indexed_season: str, django_db_blocker: Any) -> Counter[int]:
    """How many items the feed has of each block of the season."""
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        return Counter(item_id >> 23 for item_id in expected_feed(connection, CHANNELS))


@pytest.mark.parametrize("stream", ["database", "iggy"])
def test_every_event_comes_before_its_block_and_once_more_with_it(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    items_of_block: Counter[int],
    digest_at: Callable[[int], str],
    stream: str,
) -> None:
    end = HEAD + 60

    async def work(node: ReplayServer, client: WebClient) -> Spectator:
        seen = Spectator()
        async with dial(client) as socket, dial(client) as other:
            for each, options in ((socket, {"preconfirmed": True}), (other, {})):
                await ask(each, type="SUBSCRIBE", channels=CHANNELS, **options)
                assert [(await receive(each))["type"] for _ in range(2)] == ["CONNECTION_STATE", "SUBSCRIBED"]
            await asyncio.to_thread(await_true, lambda: node.status()["subscriptions"] == 2, "no subscription")
            for number in range(HEAD + 1, end + 1):
                awaited = len(seen.early) + items_of_block[number]
                node.announce()
                await take_until(socket, seen, seen.early, awaited)
                node.advance()
                await take_until(socket, seen, seen.confirmed, awaited)
            assert (await last_frame(other, len(seen.confirmed)))["status"] == "confirmed"
        return seen

    plan = MiniBlockPlan(10, timestamps=True)
    with live(database, connection, season, mini_blocks=plan) as node, StandIn() as broker:
        variables = {"IGGY_URL": broker.url} if stream == "iggy" else {}
        with relay(database, broker), web(database, **variables) as client:
            seen = asyncio.run(asyncio.wait_for(work(node, client), 60))
            await_tip(connection, node.chain.blocks[-1].hash)
    assert seen.early.keys() == seen.confirmed.keys()
    assert set(seen.ends.values()) == {1}
    assert (seen.dropped, seen.late) == ([], [])
    for key, frame in seen.early.items():
        assert {**seen.confirmed[key], "status": "preconfirmed"} == {"id": seen.confirmed[key]["id"], **frame}
    assert state_digest(connection, end) == digest_at(end)


async def last_frame(socket: ClientConnection, count: int) -> Frame:
    """The last of so many FEED_EVENTs, all of them confirmed."""
    frames: list[Frame] = []
    while len(frames) < count:
        if (frame := await receive(socket))["type"] == "FEED_EVENT":
            frames.append(frame)
    assert {frame["status"] for frame in frames} == {"confirmed"}
    return frames[-1]
