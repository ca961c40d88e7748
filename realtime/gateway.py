"""The Channels consumer of `/ws`: one client from the handshake to the end of its connection."""

import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError
from starlette.types import Receive, Scope, Send

from ghostnet.http.clients import client_of
from ghostnet.http.origins import is_ours, is_same_origin
from ghostnet.http.work_slots import NoRoom
from realtime.client import MAX_SUBSCRIPTIONS, Client
from realtime.hub import Hub
from realtime.protocol import (
    PONG,
    BadMessage,
    ConnectionState,
    Error,
    Ping,
    Subscribe,
    Subscribed,
    SubscribeUser,
    Unsubscribe,
    UnsubscribeUser,
    parse,
)
from realtime.replay import Replays, Wanted
from realtime.socket_writer import TOO_MUCH, TRY_AGAIN, SocketWriter, frame

logger = logging.getLogger(__name__)

MAX_ERRORS: Final = 20
"""Errors a minute after which a client is closed with TOO_MUCH."""


class Gateway(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """A client of `/ws`; `origins` are those whose pages may connect, besides the server's own.

    Channels routes the connection here and passes the client's messages to the methods named after them. What the
    client gets is written past it, straight to the transport (`realtime.socket_writer`).
    """

    _client: Client

    def __init__(self, hub: Hub, replays: Replays, origins: tuple[str, ...]) -> None:
        self._hub = hub
        self._replays = replays
        self._origins = origins
        self._errors = Rate(MAX_ERRORS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if hasattr(self, "_client"):
                self._hub.remove(self._client)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the message's handler. Channels' own method closes Django's old connections before, on the one thread
        that reads positions: a client's message would wait for all of these."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Accept the connection, and send CONNECTION_STATE; or refuse it (403)."""
        if not may_connect(self.scope, self._origins):
            await self.send({"type": "websocket.close"})
            raise StopConsumer
        await self._hub.start()
        await self.send({"type": "websocket.accept"})
        self._client = Client(SocketWriter(self.base_send), client_of(self.scope))
        self._hub.add(self._client)
        state = ConnectionState.of(self._hub.block, self._hub.cursor.event_id)
        self._client.writer.write(frame(state.encode()))

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Do what a message asks for; answer one that violates the protocol with ERROR."""
        writer = self._client.writer
        if writer.closed:
            return
        try:
            await self._handle(message.get("text"))
        except BadMessage as error:
            writer.write(frame(Error.of(error).encode()))
            if self._errors.reached():
                writer.close(TOO_MUCH)
        except NoRoom:
            writer.close(TRY_AGAIN)
        except (DatabaseError, psycopg.Error, OSError) as error:
            logger.warning("a client is disconnected, its message could not be handled: %s", error)
            writer.close(TRY_AGAIN)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """The connection is closed."""
        raise StopConsumer

    async def _handle(self, text: str | None) -> None:
        match parse(text):
            case Ping():
                self._client.writer.write(frame(PONG))
            case Subscribe() as message:
                await self._subscribe(message)
            case SubscribeUser() as message:
                await self._subscribe_user(message)
            case Unsubscribe(channels=channels):
                async with self._changing_subscriptions():
                    kept = {name: start for name, start in self._client.channels.items() if name not in channels}
                    self._client.channels = kept
                    self._hub.update_subscriptions(self._client)
            case UnsubscribeUser(player=player):
                async with self._changing_subscriptions():
                    self._hub.updates.unwatch(self._client, player)

    async def _subscribe(self, message: Subscribe) -> None:
        client, channels = self._client, set[str](message.channels)
        is_replayed = message.cursor is not None or message.last is not None
        self._check_room(len(channels - client.channels.keys()))
        if is_replayed:
            await self._replays.run(client, Wanted(channels, message.cursor, message.last))
        await self._hub.preconfirmed.subscribe(client, message.preconfirmed, channels=channels)
        if not is_replayed:
            async with self._changing_subscriptions() as head:
                client.channels = dict.fromkeys(channels, head) | client.channels
                self._hub.update_subscriptions(client)

    async def _subscribe_user(self, message: SubscribeUser) -> None:
        client, player, updates = self._client, message.player, self._hub.updates
        is_replayed = message.cursor is not None
        self._check_room(player not in client.users)
        if is_replayed:
            await self._replays.run(client, Wanted(since=message.cursor, player=player))
        await self._hub.preconfirmed.subscribe(client, message.preconfirmed, players=[player])
        if is_replayed:
            updates.send_current(client, player, with_cursor=message.snapshot)
            return
        async with self._changing_subscriptions() as head:
            updates.watch(client, player, head)
            if message.snapshot:
                updates.send_current(client, player, with_cursor=True)

    @asynccontextmanager
    async def _changing_subscriptions(self) -> AsyncIterator[int]:
        """Let the client's subscriptions change while no item is on its way to clients, then send it SUBSCRIBED. Yields
        the id above which new subscriptions get the items."""
        client = self._client
        async with self._hub.delivery:
            head = self._hub.cursor_of(client)
            yield head
            state = Subscribed.of(client.channels, client.users, head)
            client.writer.write(frame(state.encode()))

    def _check_room(self, more: int) -> None:
        if len(self._client.channels) + len(self._client.users) + more > MAX_SUBSCRIPTIONS:
            raise BadMessage("too_many_subscriptions", f"at most {MAX_SUBSCRIPTIONS} channels and players")


def may_connect(scope: Scope, origins: tuple[str, ...]) -> bool:
    """Whether a handshake comes from a program, which sends no Origin, from a page of this server, or of `origins`.

    Other sites' pages must not connect in their visitors' names. So the host must be one of this server's too, which
    excludes foreign names that resolve to its address (DNS rebinding). Channels' OriginValidator refuses programs, and
    does not compare the origin with the host of the request.
    """
    headers = dict(scope["headers"])
    host, origin = (headers.get(name, b"").decode("latin-1") for name in (b"host", b"origin"))
    if not is_ours(host, settings.ALLOWED_HOSTS):
        return False
    return not origin or "*" in origins or origin in origins or is_same_origin(origin, host)


class Rate:
    """Counts occurrences against a limit per minute."""

    def __init__(self, limit: int) -> None:
        self._times: deque[float] = deque(maxlen=limit)

    def reached(self) -> bool:
        """Count one more; return whether that makes it `limit` within a minute."""
        self._times.append(time.monotonic())
        return len(self._times) == self._times.maxlen and self._times[-1] - self._times[0] < 60
