"""What a browser receives about an event before its block, with it, and if the block does not contain it."""

import asyncio
import random
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
from indexer.stream.feed import CHANNELS
from tests.databases import default_database
from tests.iggy.server import StandIn
from tests.processes import HEAD, await_tip, await_true, live
from tests.realtime.socket import Frame, ask, dial, receive
from tests.stream.expected import expected_feed
from tests.stream.relaying import relay
from tests.web import WebClient, web


class Spectator:
    """Keeps what came of each key; what a correct server never sends is a fault."""

    def __init__(self) -> None:
        self.early: dict[str, Frame] = {}
        self.confirmed: dict[str, Frame] = {}
        self.ended: set[str] = set()
        """The keys that were confirmed once, though a reorg may have taken them back, or dropped."""
        self.dropped: list[str] = []
        self.early_positions: dict[str, Frame] = {}
        """The last position of each player that came before its block, and below the one that came last of all."""
        self.positions: dict[str, Frame] = {}
        self.faults: list[str] = []

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "FEED_EVENT" if frame["status"] == "preconfirmed":
                self._expect("id" not in frame, frame)
                self._expect(frame["key"] not in self.confirmed, frame)
                self.early[frame["key"]] = frame
            case "FEED_EVENT":
                self._expect(frame["status"] == "confirmed", frame)
                self._expect(frame["key"] not in self.confirmed, frame)
                self.confirmed[frame["key"]] = frame
                self.ended.add(frame["key"])
            case "DROPPED":
                self._expect(self.early.keys() >= {*frame["keys"]}, frame)
                self.dropped += frame["keys"]
                self.ended |= {*frame["keys"]}
            case "POSITION_UPDATE":
                if "status" in frame:
                    self.early_positions[frame["address"]] = frame
                self.positions[frame["address"]] = frame
            case "REORG":
                kept = {key: one for key, one in self.confirmed.items() if int(one["id"]) < int(frame["dropped_from"])}
                self.confirmed = kept

    def has_event(self, item_id: int) -> bool:
        """Whether an event with this id is confirmed."""
        return str(item_id) in {frame["id"] for frame in [*self.confirmed.values()]}

    def has_confirmed_positions(self) -> bool:
        """Whether each position that came before its block was followed by one after it."""
        return all("status" not in self.positions[player] for player in self.early_positions)

    def _expect(self, right: bool, frame: Frame) -> None:
        if not right:
            self.faults.append(str(frame))


async def take_until(socket: ClientConnection, spectator: Spectator, found: Collection[str], count: int) -> None:
    """Take in what comes until so many are found."""
    async with asyncio.timeout(30):
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
    end = HEAD + 30
    living: list[str] = []

    async def work(node: ReplayServer, client: WebClient) -> Spectator:
        seen, survivors = Spectator(), Spectator()
        async with dial(client) as socket, dial(client) as other, dial(client) as watcher:
            for each, options in ((socket, {"preconfirmed": True}), (other, {})):
                await ask(each, type="SUBSCRIBE", channels=CHANNELS, **options)
                assert [(await receive(each))["type"] for _ in range(2)] == ["CONNECTION_STATE", "SUBSCRIBED"]
            await ask(socket, type="SUBSCRIBE", channels=CHANNELS, since=str((1 << 63) - 1))
            assert (await receive(socket))["type"] == "ERROR", "a message that is refused changes nothing"
            for player in living:
                await ask(watcher, type="SUBSCRIBE_USER", address=player, preconfirmed=True)
            await asyncio.to_thread(await_true, lambda: node.status()["subscriptions"] == 2, "no subscription")
            for number in range(HEAD + 1, end + 1):
                awaited = len(seen.early) + items_of_block[number]
                node.announce()
                await take_until(socket, seen, seen.early, awaited)
                node.advance()
                await take_until(socket, seen, seen.confirmed, awaited)
            assert (await last_frame(other, len(seen.confirmed)))["status"] == "confirmed"
            await take_until(watcher, survivors, survivors.confirmed, 1)
            async with asyncio.timeout(30):
                while not survivors.has_confirmed_positions():
                    survivors.take(await receive(watcher))
            await ask(watcher, type="PING")
            async with asyncio.timeout(30):
                while (frame := await receive(watcher))["type"] != "PONG":
                    survivors.take(frame)
        assert_each_came_twice(survivors)
        assert_positions_were_right(survivors)
        return seen

    plan = MiniBlockPlan(10, timestamps=True)
    with live(database, connection, season, mini_blocks=plan) as node, StandIn() as broker:
        variables = {"IGGY_URL": broker.url} if stream == "iggy" else {}
        living += living_players(connection)
        with relay(database, broker), web(database, **variables) as client:
            seen = asyncio.run(asyncio.wait_for(work(node, client), 150))
            await_tip(connection, node.chain.blocks[-1].hash)
    assert_each_came_twice(seen)
    assert state_digest(connection, end) == digest_at(end)


def assert_each_came_twice(seen: Spectator) -> None:
    """Each event came before its block, and with it, the same but for the id."""
    assert seen.early.keys() == seen.confirmed.keys()
    assert (seen.dropped, seen.faults) == ([], [])
    for key, frame in seen.early.items():
        assert {**seen.confirmed[key], "status": "preconfirmed"} == {"id": seen.confirmed[key]["id"], **frame}


def living_players(connection: Connection[Any]) -> list[str]:
    """As many players as one socket may watch."""
    rows = connection.execute("SELECT '0x' || encode(address, 'hex') FROM current_positions WHERE status = 'alive'")
    return [player for (player,) in rows][:60]


def assert_positions_were_right(seen: Spectator) -> None:
    """What a player's own transaction has changed came before its block as it then was."""
    assert len(seen.early_positions) > 5
    for player, early in seen.early_positions.items():
        own = ("amount", "status", "level", "entered_at", "last_add_at", "changed_at")
        before, after = early["position"], seen.positions[player]["position"]
        assert (before and [before[name] for name in own]) == (after and [after[name] for name in own])


async def last_frame(socket: ClientConnection, count: int) -> Frame:
    """The last of so many FEED_EVENTs, all of them confirmed."""
    frames: list[Frame] = []
    while len(frames) < count:
        if (frame := await receive(socket))["type"] == "FEED_EVENT":
            frames.append(frame)
    assert {frame["status"] for frame in frames} == {"confirmed"}
    return frames[-1]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_mini_blocks_get_wrong_the_tables_are_right_and_every_key_has_an_end(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    digest_at: Callable[[int], str],
    seed: int,
) -> None:
    """Transactions missing, swapped, sent twice, in parts or in the wrong block; sockets that break; reorgs below."""
    chance = random.Random(seed)
    end = HEAD + 75

    async def work(node: ReplayServer, client: WebClient) -> Spectator:
        seen, watching = Spectator(), Spectator()
        async with dial(client) as socket, dial(client) as watcher:
            await ask(socket, type="SUBSCRIBE", channels=CHANNELS, preconfirmed=True)
            assert [(await receive(socket))["type"] for _ in range(2)] == ["CONNECTION_STATE", "SUBSCRIBED"]
            for player in living:
                await ask(watcher, type="SUBSCRIBE_USER", address=player, preconfirmed=True)
            taking = [asyncio.create_task(take_all(*one)) for one in ((socket, seen), (watcher, watching))]
            await asyncio.to_thread(await_true, lambda: node.status()["subscriptions"] == 2, "no subscription")
            while node.chain.head < end - 12:
                for share in sorted(chance.random() for _ in range(chance.randrange(4))):
                    node.announce(share)
                    await asyncio.sleep(chance.random() / 50)
                match chance.choice(["advance"] * 12 + ["whole"] * 6 + ["fork", "settle", "drop"]):
                    case "whole":
                        node.announce()
                        await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                        node.advance()
                    case "advance":
                        node.advance()
                    case "fork":
                        depth = chance.randrange(1, 6)
                        node.fork(depth, depth + chance.randrange(1, 3))
                    case "settle":
                        node.restore_recorded(node.chain.head + 1)
                    case "drop":
                        node.drop_sockets()
            node.restore_recorded(end)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            newest = max(item_id for item_id in expected_feed(connection, CHANNELS) if item_id >> 23 <= end)
            await asyncio.to_thread(await_true, lambda: seen.has_event(newest), "the newest event did not come")
            await asyncio.to_thread(
                await_true, watching.has_confirmed_positions, "a position stayed as it was expected"
            )
            for one in taking:
                one.cancel()
        assert len(watching.early_positions) > 5
        return seen

    living: list[str] = []
    plan = MiniBlockPlan(10, faults=0.5, seed=seed, timestamps=seed == 1)
    with live(database, connection, season, mini_blocks=plan) as node, web(database) as client:
        living += living_players(connection)
        seen = asyncio.run(asyncio.wait_for(work(node, client), 150))
    assert seen.faults == []
    assert len(seen.early) > 50
    assert seen.early.keys() <= seen.ended
    sent = {int(frame["id"]): frame["event"]["type"] for frame in seen.confirmed.values()}
    expected = expected_feed(connection, CHANNELS)
    assert sent == {item_id: kind for item_id, kind in expected.items() if item_id >> 23 > HEAD}
    assert state_digest(connection, end) == digest_at(end)


async def take_all(socket: ClientConnection, spectator: Spectator) -> None:
    """Take in everything until cancelled."""
    while True:
        spectator.take(await receive(socket))
