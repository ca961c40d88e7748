"""A step is sent to many sockets in slices: what happens between them neither loses nor repeats an item."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from psycopg import Connection
from websockets.asyncio.client import ClientConnection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from realtime.delivery import FRAMES_AT_ONCE, Delivery
from tests.processes import await_tip, live
from tests.realtime.socket import Frame, ask, dial, receive, run
from tests.stream.expected import expected_feed
from tests.web import WebClient, web

BEGIN, BLOCKS, OTHERS = 150, 30, 60
MAX_MESSAGES = 900
"""Messages that a socket may send at once, about."""


async def events_until(socket: ClientConnection, kind: str) -> tuple[list[int], Frame]:
    """The ids of the events that come before a message of a kind, and that message."""
    found = list[int]()
    while (frame := await receive(socket))["type"] != kind:
        if frame["type"] == "FEED_EVENT":
            found.append(int(frame["id"]))
    return found, frame


async def come_and_go(
    socket: ClientConnection, done: asyncio.Event, *, resume: bool
) -> list[tuple[int, int, list[int]]]:
    """Subscribe and unsubscribe until all is done, where the last time ended if that is wanted; each time the cursors
    at both ends, and the ids of the events that came."""
    _, state = await events_until(socket, "CONNECTION_STATE")
    end = int(state["head"])
    found = []
    for _ in range(MAX_MESSAGES // 2):
        last = done.is_set()
        await ask(socket, type="SUBSCRIBE", channels=["feed"], **({"since": str(end)} if resume else {}))
        before, first = await events_until(socket, "SUBSCRIBED")
        assert not before
        await ask(socket, type="UNSUBSCRIBE", channels=["feed"])
        ids, answer = await events_until(socket, "SUBSCRIBED")
        begin, end = (end if resume else int(first["head"])), max(int(first["head"]), int(answer["head"]))
        found.append((begin, end, ids))
        if last:
            break
    return found


def test_who_subscribes_while_a_step_is_sent_gets_what_the_cursors_say(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> list[tuple[int, int, list[int]]]:
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(dial(client)) for _ in range(OTHERS + 2)]
            for socket in sockets[2:]:
                await ask(socket, type="SUBSCRIBE", channels=["feed"])
                await events_until(socket, "SUBSCRIBED")
            done = asyncio.Event()
            tasks = [
                asyncio.create_task(come_and_go(socket, done, resume=resume))
                for socket, resume in zip(sockets, (False, True), strict=False)
            ]
            node.advance(BLOCKS)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            newest = max(expected_feed(connection, ["feed"]))
            for socket in sockets[2:]:
                while int((await receive(socket)).get("id", 0)) < newest:
                    pass
            done.set()
            return [one for found in await asyncio.gather(*tasks) for one in found]

    with live(database, connection, season, BEGIN) as node, web(database, GHOSTNET_RATE_LIMIT="0") as client:
        found = run(work(node, client))
    everything = sorted(expected_feed(connection, ["feed"]))
    for begin, end, ids in found:
        assert ids == [one for one in everything if begin < one <= end], (begin, end)


@pytest.mark.parametrize("frames", [FRAMES_AT_ONCE - 1, FRAMES_AT_ONCE])
def test_others_have_their_turn_after_so_many_frames(frames: int) -> None:
    async def work() -> list[str]:
        happened, delivery = list[str](), Delivery()

        async def deliver() -> None:
            for _ in range(frames):
                await delivery.sent()
            happened.append("delivered")

        async def other() -> None:
            happened.append("another's turn")

        await asyncio.gather(deliver(), other())
        return happened

    assert run(work())[0] == ("another's turn" if frames == FRAMES_AT_ONCE else "delivered")
