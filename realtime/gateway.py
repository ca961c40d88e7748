"""`/ws`: a client's life from the handshake to the good-bye."""

import asyncio
import logging
import time
from collections import deque
from typing import Final
from urllib.parse import urlsplit

import psycopg
from starlette.types import Receive, Scope, Send

from indexer.errors import GhostnetError
from indexer.stream import reader
from indexer.stream.feed import end_of
from indexer.stream.heads import connect
from realtime import protocol
from realtime.client import MOST_SUBSCRIPTIONS, Client, carries
from realtime.hub import Hub
from realtime.protocol import BadMessage, Ping, Subscribe, SubscribeUser, Unsubscribe, UnsubscribeUser
from realtime.wire import TOO_SLOW, Wire, frame

logger = logging.getLogger(__name__)

MOST_ERRORS: Final = 20
"""Errors a minute after which a client is closed with TOO_MANY_ERRORS."""
TOO_MANY_ERRORS: Final = 4429
GOING_AWAY: Final = 1001
MOST_REPLAYS: Final = 4
"""Replays that read the database at the same time."""
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
        except asyncio.CancelledError:
            client.wire.close(GOING_AWAY)
            raise
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
        errors: deque[float] = deque(maxlen=MOST_ERRORS)
        while (message := await receive())["type"] == "websocket.receive":
            try:
                await self._obey(client, message.get("text"))
            except BadMessage as error:
                client.wire.write(frame(protocol.error(error.code, error.message)))
                errors.append(time.monotonic())
                if len(errors) == MOST_ERRORS and errors[-1] - errors[0] < 60:
                    client.wire.close(TOO_MANY_ERRORS)
            except TimeoutError:
                client.wire.close(TOO_SLOW)
            except (psycopg.Error, OSError, GhostnetError) as error:
                logger.warning("a client could not be served: %s", error)
                text = "the database is away; ask again in a moment"
                client.wire.write(frame(protocol.error("try_again", text)))

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
                client.users.add(address)
                self._say(client)
                if since is not None:
                    await self._hub.tell_positions([address], client)
            case Unsubscribe(channels):
                client.channels -= set(channels)
                self._hub.changed(client)
                self._say(client)
            case UnsubscribeUser(address):
                client.users.discard(address)
                self._say(client)

    def _say(self, client: Client) -> None:
        client.wire.write(frame(protocol.subscribed(client.channels, client.users)))

    async def _replay(self, client: Client, channels: set[str], since: int) -> None:
        """Tell what a client has missed, in order, and go live where that ends: no gap, and nothing twice.

        What the hub tells meanwhile is held back. The database may be ahead of the hub; then the client is, and what
        the hub tells until it has come there is told only as far as the client does not know it.
        """
        async with self._replays, await connect() as connection, asyncio.timeout(LONGEST_REPLAY):
            before, known = set(client.channels), self._hub.position.cursor if client.settled else client.cursor
            client.settled, client.held = False, deque()
            client.channels |= channels
            self._hub.changed(client)
            try:
                async with reader.snapshot(connection) as block:
                    if block is None:
                        raise BadMessage("bad_cursor", "nothing is indexed yet")
                    last = end_of(block.block_number)
                    kept = await reader.kept_ancestor(connection, since)
                    oldest = end_of(max(0, block.block_number - self._replay_blocks) - 1)
                    oldest = max(oldest, await reader.oldest_event(connection))
                    cursor = since if kept is None else end_of(kept)
                    if cursor > last:
                        raise BadMessage("bad_cursor", f"since is not reached yet; {last} is the newest")
                    if cursor < oldest:
                        text = protocol.error("replay_too_old", "since is too old", oldest=str(oldest))
                        client.wire.write(frame(text))
                        cursor = last
                    self._say(client)
                    if kept is not None:
                        client.wire.write(frame(protocol.reorg(kept)))
                        known = min(known, cursor)
                    while cursor < last and not client.wire.closed:
                        end = await reader.page_end(connection, cursor, last)
                        for item in await reader.read_items(connection, cursor, end):
                            if client.wants(item) and (item.id > known or not carries(before, item)):
                                client.wire.write(frame(item.frame(self._hub.confirmed(item, block))))
                                await client.wire.drained()
                        cursor = end
                    client.cursor, client.revision = last, block.revision
            finally:
                client.release()
                client.settle(self._hub.block.revision if self._hub.block else 0)
                self._hub.changed(client)


def _check_room(client: Client, more: int) -> None:
    if len(client.channels) + len(client.users) + more > MOST_SUBSCRIPTIONS:
        raise BadMessage("too_many_subscriptions", f"at most {MOST_SUBSCRIPTIONS} channels and players")
