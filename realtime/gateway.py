"""`/ws`: a client's life from the handshake to the good-bye."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from django.db import DatabaseError
from psycopg import AsyncConnection
from starlette.types import Receive, Scope, Send

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.connection import connect
from indexer.stream.feed import FeedItem, end_of
from realtime import protocol
from realtime.client import MOST_SUBSCRIPTIONS, Client, carries
from realtime.hub import TRY_AGAIN, Hub
from realtime.protocol import BadMessage, Ping, Subscribe, SubscribeUser, Unsubscribe, UnsubscribeUser
from realtime.wire import TOO_MUCH, Wire, frame

logger = logging.getLogger(__name__)

MOST_MESSAGES: Final = 6_000
"""Messages a minute from which on each is an error."""
MOST_ERRORS: Final = 20
"""Errors a minute after which a client is closed with TOO_MUCH."""
MOST_REPLAYS: Final = 8
"""Replays that read the database at the same time."""
LONGEST_WAIT: Final = 20.0
"""Seconds that a replay may wait for its turn."""
LONGEST_REPLAY: Final = 60.0
"""Seconds after which a client that reads its replay too slowly makes room for others; it can go on from its cursor."""


class Gateway:
    """An ASGI application for WebSockets; `origins` are those whose pages may connect, beside our own.

    `replay_blocks` is how far back, in blocks, a client may begin.
    """

    def __init__(self, hub: Hub, origins: tuple[str, ...], replay_blocks: int) -> None:
        self._hub = hub
        self._origins = origins
        self._replay_blocks = replay_blocks
        self._replays = asyncio.Semaphore(MOST_REPLAYS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        if not self._is_welcome(scope):
            await send({"type": "websocket.close"})
            return
        await self._hub.start()
        await send({"type": "websocket.accept"})
        client = Client(Wire(send))
        self._hub.join(client)
        client.wire.write(frame(protocol.connection_state(self._hub.block, self._hub.position.cursor)))
        try:
            await self._converse(client, receive)
        finally:
            self._hub.leave(client)

    def _is_welcome(self, scope: Scope) -> bool:
        """Pages of other origins may not connect in their visitors' names; programs send no origin."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if scope["path"] != "/ws":
            return False
        return (
            not origin
            or "*" in self._origins
            or origin in self._origins
            or urlsplit(origin).netloc == headers.get(b"host", b"").decode("latin-1")
        )

    async def _converse(self, client: Client, receive: Receive) -> None:
        messages, errors = Rate(MOST_MESSAGES), Rate(MOST_ERRORS)
        while (message := await receive())["type"] == "websocket.receive":
            if client.wire.closed:
                continue
            try:
                _check_pace(messages)
                await self._obey(client, message.get("text"))
            except BadMessage as error:
                client.wire.write(frame(protocol.error(error.code, error.message, **error.more)))
                if errors.reached():
                    client.wire.close(TOO_MUCH)
            except (DatabaseError, psycopg.Error, OSError) as error:
                logger.warning("a client could not be served: %s", error)
                client.wire.close(TRY_AGAIN)
            await asyncio.sleep(0)  # a queue that is never empty would keep all others waiting

    async def _obey(self, client: Client, text: str | None) -> None:
        message = protocol.parse(text)
        match message:
            case Ping():
                client.wire.write(frame(protocol.PONG))
                return
            case Subscribe(channels, since):
                _check_room(client, len(set(channels) - client.channels))
                if since is None:
                    client.channels |= set(channels)
                    self._hub.changed(client)
                    self._say(client)
                else:
                    await self._replay(client, set(channels), since)
                return
            case SubscribeUser(address, since):
                _check_room(client, address not in client.users)
                self._hub.updates.watch(client, address)
                self._say(client)
                if since is not None:
                    self._hub.updates.ask(client, address)
            case Unsubscribe(channels):
                client.channels -= set(channels)
                self._hub.changed(client)
                self._say(client)
            case UnsubscribeUser(address):
                self._hub.updates.unwatch(client, address)
                self._say(client)

    def _say(self, client: Client) -> None:
        client.wire.write(frame(protocol.subscribed(client.channels, client.users)))

    async def _replay(self, client: Client, channels: set[str], since: int) -> None:
        """Tell what a client has missed, in order, and go live where that ends: no gap, and nothing twice.

        What the hub tells meanwhile is held back. The database may be ahead of the hub; then the client is, and what
        the hub tells until it has come there is told only as far as the client does not know it.
        """
        async with (
            self._turn(),
            asyncio.timeout(LONGEST_REPLAY),
            await connect("ghostnet replay") as connection,
        ):
            before, known = set(client.channels), self._hub.position.cursor if client.settled else client.cursor
            revision = 0 if client.settled else client.revision
            client.settled, client.held = False, deque()
            client.channels |= channels
            self._hub.changed(client)
            try:
                async with reader.snapshot(connection) as block:
                    replay = await self._prepare(connection, block, since)
                    self._say(client)
                    if replay.kept is not None:
                        client.wire.write(frame(protocol.reorg(replay.kept)))
                        known = min(known, replay.cursor)
                    async for item in replay.items(connection):
                        if client.wants(item) and (item.id > known or not carries(before, item)):
                            client.wire.write(frame(item.frame(self._hub.confirmed(item, replay.block))))
                            await client.wire.drained()
                        if client.wire.closed:
                            break
                client.cursor, client.revision = replay.last, replay.block.revision
            except BadMessage:
                client.channels, client.cursor, client.revision = before, known, revision
                raise
            except BaseException:
                # What was held back would leave a gap. The client goes on from its cursor on another connection.
                client.wire.close(TRY_AGAIN)
                raise
            finally:
                client.release()
                client.settle(self._hub.block.revision if self._hub.block else 0)
                self._hub.changed(client)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the places for replays. Raises TimeoutError if none becomes free."""
        async with asyncio.timeout(LONGEST_WAIT):
            await self._replays.acquire()
        try:
            yield
        finally:
            self._replays.release()

    async def _prepare(self, connection: AsyncConnection[Any], block: IndexedBlock | None, since: int) -> "Replay":
        """What is to be replayed from a cursor on. Raises BadMessage for a cursor that nothing can be told from."""
        if block is None:
            raise BadMessage("bad_cursor", "nothing is indexed yet")
        last = end_of(block.block_number)
        kept = await reader.kept_ancestor(connection, since)
        cursor = since if kept is None else end_of(kept)
        if cursor > last:
            raise BadMessage("bad_cursor", f"since is not reached yet; {last} is the newest")
        oldest = end_of(max(0, block.block_number - self._replay_blocks) - 1)
        oldest = max(oldest, await reader.oldest_event(connection))
        if cursor < oldest:
            raise BadMessage("replay_too_old", "since is older than what is replayed", oldest=str(oldest))
        return Replay(block, kept, cursor, last)


@dataclass(frozen=True, slots=True)
class Replay:
    """The items after `cursor` up to `last`, the end of `block`; `kept` is the block above which all was dropped of
    what the client saw, None if nothing was."""

    block: IndexedBlock
    kept: int | None
    cursor: int
    last: int

    async def items(self, connection: AsyncConnection[Any]) -> AsyncIterator[FeedItem]:
        """All of them in order, read a page at a time."""
        cursor = self.cursor
        while cursor < self.last:
            end = await reader.page_end(connection, cursor, self.last)
            for item in await reader.read_items(connection, cursor, end):
                yield item
            cursor = end


class Rate:
    """Counts what happens, against so many times a minute."""

    def __init__(self, most: int) -> None:
        self._times: deque[float] = deque(maxlen=most)

    def reached(self) -> bool:
        """It happens once more: whether that makes it `most` times within a minute."""
        self._times.append(time.monotonic())
        return len(self._times) == self._times.maxlen and self._times[-1] - self._times[0] < 60


def _check_pace(messages: Rate) -> None:
    if messages.reached():
        raise BadMessage("too_many_messages", f"less than {MOST_MESSAGES} messages a minute")


def _check_room(client: Client, more: int) -> None:
    if len(client.channels) + len(client.users) + more > MOST_SUBSCRIPTIONS:
        raise BadMessage("too_many_subscriptions", f"at most {MOST_SUBSCRIPTIONS} channels and players")
