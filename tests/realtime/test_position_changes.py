"""Every change of a position's answer is followed by a POSITION_UPDATE to its subscribers."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from indexer.domain.events import BoostApplied
from indexer.domain.units import DATA, Address
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.stream.preconfirmed_positions import PreconfirmedPosition
from indexer.sync.preconfirmed_publisher import PreconfirmedPublisher
from tests.chains import ADDRESSES, TRACE_SCAN, ChainBuilder, submit_deaths
from tests.indexer.rules.scenarios import (
    ALICE,
    DAVE,
    KEEPER,
    death_events,
    emissions,
    execute_scan,
    finalize_scan,
    three_on_level_one,
    trigger_reset,
)
from tests.indexing import index
from tests.realtime.socket import Browser, ask, dial, receive
from tests.web import WebClient, web

Players = set[Address]


@dataclass
class Game:
    """A chain of which each step is known: whose position changes in which block."""

    chain: ChainBuilder
    steps: dict[int, Players]
    head: int

    def step(self, players: Players) -> None:
        """The newest block changes the positions of these players."""
        self.steps[len(self.chain.blocks) - 1] = players


@pytest.fixture(scope="module")
def game() -> Game:
    """Alice on level 1; Dave on level 2, where Erin dies."""
    erin = Address("0x" + "e1" * 20)
    chain = three_on_level_one()
    chain.jack_in(DAVE, 100 * DATA, 2)
    chain.jack_in(erin, 50 * DATA, 2)
    game = Game(chain, {}, len(chain.blocks) - 1)
    execute_scan(chain)
    finalize_scan(chain, 0, 0, 3)
    game.step({ALICE})
    chain.events(emissions(1, 6 * DATA))
    game.step({ALICE})
    chain.events(emissions(2, 6 * DATA))
    game.step({DAVE})
    chain.events(("GhostCore", BoostApplied(ALICE, 0, 100, chain.now + 100)))
    game.step({ALICE})
    chain.block(after=200)
    game.step({ALICE})
    execute_scan(chain, 2, 2)
    chain.events(*death_events(1, 50 * DATA, 2, 2), to=TRACE_SCAN, calldata=submit_deaths(2, [erin]), sender=KEEPER)
    finalize_scan(chain, 1, 50 * DATA, 1, level=2, scan_id=2)
    game.step({ALICE, DAVE})
    trigger_reset(chain, 700 * DATA, erin)
    game.step({ALICE, DAVE})
    return game


@pytest.fixture
def server(game: Game) -> Iterator[ReplayServer]:
    with ReplayServer(game.chain.blocks, ReplayOptions(head=game.head)) as node:
        yield node


async def until(socket: Any, browser: Browser, condition: Callable[[], bool]) -> None:
    """Take frames until a condition holds."""
    async with asyncio.timeout(50):
        while not condition():
            browser.take(await receive(socket))


def test_each_rule_that_changes_a_position_is_followed_by_an_update(
    database: str, game: Game, server: ReplayServer
) -> None:
    async def work(client: WebClient) -> None:
        async with dial(client) as socket:
            browser = Browser([])
            for player in (ALICE, DAVE):
                await ask(socket, type="SUBSCRIBE_USER", address=player, since="0")
            await until(socket, browser, lambda: set(browser.updates) == {ALICE, DAVE})
            before = len(game.chain.blocks)
            for block, players in game.steps.items():
                browser.updates.clear()
                server.advance(block - server.chain.blocks[-1].number)
                await asyncio.to_thread(index, server, ADDRESSES, to_block=block)
                await until(socket, browser, lambda: set(browser.updates) >= players)  # noqa: B023 - ends in the loop
                assert set(browser.updates) == players, f"after block {block} of {before}"
                for player in players:
                    answer = await asyncio.to_thread(client.get, f"/api/v1/positions/{player}?min_block={block}")
                    assert browser.updates[player] == answer.json()["position"]

    index(server, ADDRESSES)
    with web(database) as client:
        asyncio.run(asyncio.wait_for(work(client), 150))


def test_a_position_that_came_before_its_block_is_followed_by_the_one_that_the_block_leaves(
    database: str, game: Game, server: ReplayServer
) -> None:
    """Here the block, which changes Dave's, does not have the extraction of Alice that was expected."""
    block = [*game.steps][2]
    assert game.steps[block] == {DAVE}

    async def work(client: WebClient, publisher: PreconfirmedPublisher) -> None:
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE_USER", address=ALICE, snapshot=True, preconfirmed=True)
            while (expected := await receive(socket))["type"] != "POSITION_UPDATE":
                pass
            assert "status" not in expected
            await asyncio.to_thread(publisher.publish, [], [PreconfirmedPosition(ALICE, block, None)])
            came = await receive(socket)
            assert came == {"type": "POSITION_UPDATE", "address": expected["address"], "position": None} | {
                "status": "preconfirmed"
            }
            server.advance()
            await asyncio.to_thread(index, server, ADDRESSES)
            came = await receive(socket)
            assert came == {key: value for key, value in expected.items() if key != "cursor"}

    server.advance(block - 1 - game.head)
    index(server, ADDRESSES)
    publisher = PreconfirmedPublisher()
    with web(database) as client:
        asyncio.run(asyncio.wait_for(work(client, publisher), 150))
    publisher.close()


def test_a_reset_names_the_winner_who_was_paid(database: str, game: Game, server: ReplayServer) -> None:
    server.advance(len(game.chain.blocks) - 1 - game.head)
    index(server, ADDRESSES)

    async def work(client: WebClient) -> Any:
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=["system"], since="0")
            while (frame := await receive(socket))["type"] != "FEED_EVENT" or frame["event"]["type"] != "SYSTEM_RESET":
                pass
            return frame["event"]["data"]

    with web(database) as client:
        data = asyncio.run(asyncio.wait_for(work(client), 150))
        page = client.get("/").content.decode()
    assert data["jackpot_winner"].lower() == "0x" + "e1" * 20
    assert (data["total_penalty"], data["paid_amount"]) == (str(175 * DATA), str(175 * DATA // 2))
    (sentence,) = [line for line in page.splitlines() if "SYSTEM RESET" in line and "</li>" in line]
    assert "0xe1e1…e1e1" in sentence.lower()
    assert "/player/0x0000" not in sentence


def test_subscribers_of_a_player_who_survives_a_scan_get_survived(
    database: str, game: Game, server: ReplayServer
) -> None:
    """The first scan is of level 1, the second of level 2; the keeper plays nowhere."""
    frames: list[Any] = []

    async def work(client: WebClient) -> None:
        async with dial(client) as socket:
            browser = Browser([])
            await ask(socket, type="SUBSCRIBE", channels=["scans"])
            for player in (ALICE, DAVE, KEEPER):
                await ask(socket, type="SUBSCRIBE_USER", address=player)
            while len((await receive(socket)).get("users", ())) < 3:
                pass
            server.advance(len(game.chain.blocks) - 1 - game.head)
            await asyncio.to_thread(index, server, ADDRESSES)
            while len(browser.events) < 7:
                frame = await receive(socket)
                browser.take(frame)
                frames.append(frame)
            assert browser.faults == []
        survived = [frame for frame in frames if frame["type"] == "FEED_EVENT" and frame["channel"] == "user"]
        for since in (0, 1):
            last = int(survived[since]["id"])
            async with dial(client) as socket:
                for player in (ALICE, DAVE):
                    await ask(socket, type="SUBSCRIBE_USER", address=player, since=str(last - 1))
                await ask(socket, type="SUBSCRIBE", channels=["scans"], since=str(last))
                await ask(socket, type="PING")
                came = []
                while (frame := await receive(socket))["type"] != "PONG":
                    came += [frame] if frame.get("channel") == "user" else []
                assert came == survived[since:]

    index(server, ADDRESSES)
    with web(database) as client:
        asyncio.run(asyncio.wait_for(work(client), 150))
    events = [frame["event"] for frame in frames if frame["type"] == "FEED_EVENT"]
    survived = [event["data"] for event in events if event["type"] == "SURVIVED"]
    assert [(one["user"].lower(), one["level_name"], one["scan_id"], one["ghost_streak"]) for one in survived] == [
        (ALICE, "VAULT", 1, 1),
        (DAVE, "MAINFRAME", 2, 1),
    ]
    ended = [event["data"]["survivor_count"] for event in events if event["type"] == "SCAN_FINALIZED"]
    assert ended == [3, 1]
