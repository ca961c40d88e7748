"""Preconfirmed items: sent before their block to subscribed clients, then matched with the block's items by key.

Nothing is received before the first client asks. The key of each item that was sent is kept until its block is read:
either the hub has sent the confirmed item with the same key by then, or the key is sent as DROPPED.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Final, NamedTuple

from prometheus_client import Counter
from psycopg import AsyncConnection

from indexer.base.retry import Backoff
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import listen, received
from indexer.stream.preconfirmed_positions import PreconfirmedPosition
from indexer.stream.reader import Step
from indexer.stream.reconnect import run_with_reconnect
from indexer.stream.survivors import survivor_items
from realtime.client import Client
from realtime.delivery import Delivery
from realtime.protocol import Dropped
from realtime.socket_writer import frame
from realtime.updates import PositionUpdates

MAX_START_SECONDS: Final = 2.0
"""Seconds that the first client's subscription waits for the database."""
MESSAGES: Final = Counter("websocket_preconfirmed_messages", "Preconfirmed items sent, counted for each client")


class _Sent(NamedTuple):
    """An item that was sent, and the clients that have got it."""

    item: FeedItem
    clients: list[Client]


class PreconfirmedItems:
    """The items above the hub's last block, by their keys; belongs to one event loop.

    `delivery` is held while items are sent, matched or dropped.
    """

    def __init__(self, delivery: Delivery, updates: PositionUpdates) -> None:
        self._delivery = delivery
        self._updates = updates
        self._clients: set[Client] = set()
        self._sent: dict[str, _Sent] = {}
        self._dropped: dict[Client, dict[str, None]] = {}
        """The keys that were dropped while a client was not in sync with the hub."""
        self._block_number = -1
        """The last block that the hub has read."""
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def subscribe(
        self, client: Client, wanted: bool, *, channels: Iterable[str] = (), players: Iterable[str] = ()
    ) -> None:
        """Subscribe a client to the preconfirmed items of channels and of players or, if they are not `wanted`,
        unsubscribe it.

        Waits until items are received, at most MAX_START_SECONDS.
        """
        if wanted:
            client.preconfirmed_channels |= {*channels}
            client.preconfirmed_users |= {*players}
            await self._listen(client)
        else:
            client.preconfirmed_channels -= {*channels}
            client.preconfirmed_users -= {*players}

    async def _listen(self, client: Client) -> None:
        self._clients.add(client)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                run_with_reconnect(self._follow, "ghostnet preconfirmed", "what is preconfirmed can't be received"),
                name="preconfirmed",
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_START_SECONDS):
                await self._listening.wait()

    def remove(self, client: Client) -> None:
        """Remove a client that has disconnected."""
        self._clients.discard(client)
        self._dropped.pop(client, None)

    async def send(self, items: Iterable[FeedItem]) -> None:
        """Send items to their subscribers, except those that were sent before or whose block was read already."""
        for item in items:
            if item.block_number <= self._block_number or item.event_key in self._sent:
                continue
            clients = [client for client in self._clients if client.wants_preconfirmed(item)]
            if clients:
                self._sent[item.event_key] = _Sent(item, clients)
                text = frame(item.preconfirmed_message())
                for client in clients:
                    client.writer.write(text)
                    await self._delivery.sent()
                MESSAGES.inc(len(clients))

    def match(self, step: Step, survivors: Iterable[FeedItem]) -> None:
        """Match what was sent with the confirmed items of a step, by key; send DROPPED for keys that its blocks lack.

        A reorg drops all keys that are not in its step.
        """
        self._block_number = step.block.block_number
        if not (self._sent or self._dropped):
            return
        for item in chain(step.items, survivors):
            self._sent.pop(item.event_key, None)
            for keys in self._dropped.values():
                keys.pop(item.event_key, None)
        dropped = [
            sent
            for sent in self._sent.values()
            if step.ancestor is not None or sent.item.block_number <= self._block_number
        ]
        self._drop(dropped)

    def reset(self, block_number: int) -> None:
        """Send DROPPED for all that was sent: the hub continues at this block and may have missed blocks before it."""
        self._block_number = block_number
        self._drop(list(self._sent.values()))

    def synced(self, client: Client) -> None:
        """Send a client that is in sync with the hub again the DROPPED for what was dropped meanwhile: before, its
        replay may have brought the item of a later block."""
        if keys := self._dropped.pop(client, None):
            client.writer.write(frame(Dropped([*keys]).encode()))

    def _drop(self, dropped: Sequence[_Sent]) -> None:
        for item, clients in dropped:
            del self._sent[item.event_key]
            for client in clients:
                if client in self._clients:
                    self._dropped.setdefault(client, {})[item.event_key] = None
        for client in [*self._dropped]:
            if client.in_sync:
                self.synced(client)

    async def _follow(self, connection: AsyncConnection[Any], backoff: Backoff) -> None:
        await listen(connection)
        self._listening.set()
        backoff.reset()
        async for found in received(connection):
            items = [one for one in found if isinstance(one, FeedItem)]
            for position in found:
                if isinstance(position, PreconfirmedPosition) and position.block_number > self._block_number:
                    self._updates.send_preconfirmed(position)
            players = {
                *chain.from_iterable(client.preconfirmed_users & client.users.keys() for client in self._clients)
            }
            survivors = await survivor_items(connection, items, players)
            async with self._delivery:
                await self.send(chain(items, survivors))
