"""Preconfirmed items: sent before their block to subscribed clients, then matched with the block's items by key.

Nothing is received before the first client asks. The key of each item that was sent is kept until its block is read:
either the hub has sent the confirmed item with the same key by then, or the key is sent as DROPPED.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from prometheus_client import Counter
from psycopg import AsyncConnection

from indexer.base.retry import Backoff
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import listen, preconfirmed_items
from indexer.stream.reader import Step
from indexer.stream.reconnect import run_with_reconnect
from realtime.client import Client
from realtime.delivery import Delivery
from realtime.protocol import Dropped
from realtime.socket_writer import frame

MAX_START_SECONDS: Final = 2.0
"""Seconds that the first client's subscription waits for the database."""
MESSAGES: Final = Counter("websocket_preconfirmed_messages", "Preconfirmed items sent, counted for each client")


class PreconfirmedItems:
    """The items above the hub's last block, by their keys; belongs to one event loop.

    `delivery` is held while items are sent, matched or dropped.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._clients: set[Client] = set()
        self._sent: dict[str, FeedItem] = {}
        self._block_number = -1
        """The last block that the hub has read."""
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def subscribe(self, client: Client, channels: Iterable[str], wanted: bool) -> None:
        """Subscribe a client to the preconfirmed items of channels or, if they are not `wanted`, unsubscribe it.

        Waits until items are received, at most MAX_START_SECONDS.
        """
        if not wanted:
            client.preconfirmed_channels -= {*channels}
            return
        client.preconfirmed_channels |= {*channels}
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

    async def send(self, items: Iterable[FeedItem]) -> None:
        """Send items to their subscribers, except those that were sent before or whose block was read already."""
        for item in items:
            if item.block_number <= self._block_number or item.event_key in self._sent:
                continue
            clients = [client for client in self._clients if client.wants_preconfirmed(item)]
            if clients:
                self._sent[item.event_key] = item
                text = frame(item.preconfirmed_message())
                for client in clients:
                    client.writer.write(text)
                    await self._delivery.sent()
                MESSAGES.inc(len(clients))

    def match(self, step: Step) -> None:
        """Match what was sent with the confirmed items of a step, by key; send DROPPED for keys that its blocks lack.

        A reorg drops all keys that are not in its step.
        """
        self._block_number = step.block.block_number
        if not self._sent:
            return
        for item in step.items:
            self._sent.pop(item.event_key, None)
        dropped = [
            item for item in self._sent.values() if step.ancestor is not None or item.block_number <= self._block_number
        ]
        for item in dropped:
            del self._sent[item.event_key]
        self._send_dropped(dropped)

    def reset(self, block_number: int) -> None:
        """Send DROPPED for all that was sent: the hub continues at this block and may have missed blocks before it."""
        self._block_number = block_number
        dropped = list(self._sent.values())
        self._sent.clear()
        self._send_dropped(dropped)

    def _send_dropped(self, items: Iterable[FeedItem]) -> None:
        keys: defaultdict[Client, list[str]] = defaultdict(list)
        for item in items:
            for client in self._clients:
                if client.wants_preconfirmed(item):
                    keys[client].append(item.event_key)
        for client, dropped in keys.items():
            client.writer.write(frame(Dropped(dropped).encode()))

    async def _follow(self, connection: AsyncConnection[Any], backoff: Backoff) -> None:
        await listen(connection)
        self._listening.set()
        backoff.reset()
        async for items in preconfirmed_items(connection):
            async with self._delivery:
                await self.send(items)
