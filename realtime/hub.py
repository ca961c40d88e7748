"""The hub: reads the feed once for a whole web process and sends it to all clients.

Each item becomes bytes once, however many clients get it. The hub reads by its own feed cursor; when its source fails,
it goes on from that cursor: items then come late, and none is lost.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Any, Final

from opentelemetry.trace import get_current_span
from prometheus_client import Counter, Gauge
from psycopg import AsyncConnection

from indexer.base.retry import Backoff
from indexer.base.tracing import TRACER
from indexer.domain.units import first_id
from indexer.selectors.arguments import rfc3339
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.commits import CommitWatcher
from indexer.stream.connection import wait_for_commit
from indexer.stream.feed import FEED_CHANNEL, WATCHERS, FeedItem
from indexer.stream.levels_and_deadlines import NOTHING, Deadline, players_on, read_levels_and_deadlines
from indexer.stream.reader import FeedCursor, Step
from indexer.stream.reconnect import run_with_reconnect
from indexer.stream.source import MustBeginAnew, Source
from indexer.stream.survivors import survivor_items
from realtime.client import Client
from realtime.delivery import Delivery
from realtime.preconfirmed import PreconfirmedItems
from realtime.protocol import Reorg, ResetWarning, RoundLocked, ScanWarning, ServerMessage
from realtime.socket_writer import GOING_AWAY, TRY_AGAIN, before_shutdown, frame
from realtime.updates import PositionUpdates
from realtime.warnings import Warnings

logger = logging.getLogger(__name__)

CONNECTIONS: Final = Gauge("websocket_connections", "Clients that are connected")
MESSAGES: Final = Counter("websocket_messages", "Feed items sent, counted once for each client that got them")
MAX_START_SECONDS: Final = 2.0
"""Seconds that a client's handshake waits for the hub to read the end of the feed."""


class Hub:
    """All clients of a process, by their subscriptions; belongs to one event loop.

    `commits` is what the process answers requests from: it is to be as new as what clients have been sent.
    """

    def __init__(self, source: Source, commits: CommitWatcher) -> None:
        self._source = source
        self._commits = commits
        self._clients: set[Client] = set()
        self._out_of_sync: set[Client] = set()
        self._subscribers: dict[tuple[str, bool], tuple[Client, ...]] = {}
        """The clients that get items of a channel, in or not in `feed`; emptied when a subscription changes."""
        self._task: asyncio.Task[None] | None = None
        self._updating: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._warnings = Warnings(self._send_warning)
        self._levels = NOTHING
        self.updates = PositionUpdates()
        self.delivery = Delivery()
        self.preconfirmed = PreconfirmedItems(self.delivery, self.updates)
        self.block: IndexedBlock | None = None
        self.cursor = FeedCursor(0, 0)

    async def start(self) -> None:
        """Start to read, once; wait until the hub's cursor is known, at most MAX_START_SECONDS."""
        if self._task is None or self._task.done():
            if self._task is None:
                before_shutdown(self._close_all)
                self._updating = asyncio.get_running_loop().create_task(self.updates.run(), name="position updates")
            self._task = asyncio.get_running_loop().create_task(
                run_with_reconnect(self._follow, "ghostnet hub", "the feed can't be read"), name="hub"
            )
        if not self._ready.is_set():
            await asyncio.wait([asyncio.ensure_future(self._ready.wait())], timeout=MAX_START_SECONDS)

    def add(self, client: Client) -> None:
        """Add a client that has connected; its cursor is the hub's."""
        client.cursor = self.cursor.event_id
        self._clients.add(client)
        CONNECTIONS.set(len(self._clients))

    def remove(self, client: Client) -> None:
        """Remove a client that has disconnected."""
        self._clients.discard(client)
        self.updates.remove(client)
        self.preconfirmed.remove(client)
        self._out_of_sync.discard(client)
        self._subscribers.clear()
        CONNECTIONS.set(len(self._clients))

    def cursor_of(self, client: Client) -> int:
        """The id up to which a client, outside of a replay, has all items of its subscriptions."""
        return self.cursor.event_id if client.in_sync else client.cursor

    def update_subscriptions(self, client: Client) -> None:
        """Update the subscribers, after a client's channels have changed, or whether it is in sync."""
        self._subscribers.clear()
        if client.in_sync:
            self.preconfirmed.synced(client)
        else:
            self._out_of_sync.add(client)

    async def _follow(self, connection: AsyncConnection[Any], backoff: Backoff) -> None:
        await self._source.begin(connection)
        block = self.block or await self._start_at_newest(connection)
        try:
            async for step in self._source.steps(connection, block, self.cursor):
                await self._send_step(connection, step)
                backoff.reset()
        except MustBeginAnew as error:
            logger.warning("the feed goes on at the newest block: %s", error.message)
            self.block = None

    async def _start_at_newest(self, connection: AsyncConnection[Any]) -> IndexedBlock:
        """Set the cursor to the end of the newest block, once there is one. Clients with subscriptions may miss what
        lies before it: they are disconnected, and ask for it with their cursors."""
        while (found := await reader.read_newest(connection)) is None:
            self._ready.set()
            await wait_for_commit(connection)
        async with self.delivery:
            self.block, self.cursor = found
            self._commits.sent = self.block
            self.preconfirmed.reset(self.block.block_number)
            for client in self._clients:
                if client.channels or client.users:
                    client.writer.close(TRY_AGAIN)
        self._levels = await read_levels_and_deadlines(connection)
        self._warnings.update(self._levels.deadlines, self.block)
        self._ready.set()
        return self.block

    @TRACER.start_as_current_span("send")
    async def _send_step(self, connection: AsyncConnection[Any], step: Step) -> None:
        """Send a step to its subscribers, and schedule the positions and warnings that it has changed."""
        get_current_span().set_attributes({"block": step.block.block_number, "events": len(step.items)})
        players = {*self.updates.players}
        survivors = await survivor_items(connection, step.items, players)
        # What is preconfirmed and came with the step, on another connection, is sent before it.
        await asyncio.sleep(0)
        async with self.delivery:
            # Players that clients have subscribed to meanwhile, with a cursor before the step.
            survivors += await survivor_items(connection, step.items, self.updates.players - players)
            await self._deliver(step, survivors)
        await self._update_positions(connection, step)
        self._warnings.update(self._levels.deadlines, step.block)

    async def _deliver(self, step: Step, survivors: list[FeedItem]) -> None:
        before, self.block, self.cursor = self.cursor, step.block, step.cursor
        self._commits.sent = step.block
        if step.ancestor is not None:
            await self._send_reorg(step.ancestor, before)
        for item in sorted([*step.items, *survivors], key=lambda item: item.id) if survivors else step.items:
            subscribers = self._subscribers_of(item)
            if subscribers:
                text = frame(item.message())
                for client in subscribers:
                    client.send_item(item, text)
                    await self.delivery.sent()
                MESSAGES.inc(len(subscribers))
        self.preconfirmed.match(step, survivors)
        for client in [*self._out_of_sync]:
            client.sync(step.block.revision)
            if client.in_sync:
                self._out_of_sync.discard(client)
                self.preconfirmed.synced(client)

    async def _update_positions(self, connection: AsyncConnection[Any], step: Step) -> None:
        """Schedule the positions that a step has changed: those with rows of their own in it, those whose boosts have
        expired, and all of a level whose scan, rewards, configuration or resets have changed them."""
        if step.ancestor is not None:
            self.updates.all_changed()
        self.updates.changed(step.touched)
        self.updates.confirm(step.block.block_number)
        self.updates.schedule_expired_boosts(step.block.timestamp)
        found = await read_levels_and_deadlines(connection)
        changed = found.changed_since(self._levels)
        self.updates.changed(await players_on(connection, changed, self.updates.players))
        self._levels = found

    async def _send_reorg(self, ancestor: int, before: FeedCursor) -> None:
        """Send a reorg to each client that may have dropped items: those up to the cursor `before` the step, or, where
        a client is not in sync, up to its own."""
        dropped_from, text = first_id(ancestor + 1), frame(Reorg.of(ancestor).encode())
        for client in [*self._clients]:
            if (client.channels or client.users) and (dropped_from <= before.event_id or not client.in_sync):
                client.send_reorg(dropped_from, text)
                await self.delivery.sent()

    def _subscribers_of(self, item: FeedItem) -> Collection[Client]:
        if item.channel == WATCHERS:
            return [*self.updates.watchers(item.key)]
        key = (item.channel, item.in_feed)
        found = self._subscribers.get(key)
        if found is None:
            found = tuple(client for client in self._clients if client.is_subscribed_to(item))
            self._subscribers[key] = found
        return found

    def _close_all(self) -> None:
        for client in self._clients:
            client.writer.close(GOING_AWAY)

    def _send_warning(self, deadline: Deadline, time: int, seconds: int) -> None:
        message: ServerMessage
        match deadline:
            case "scan", level:
                message, channel = ScanWarning(level, seconds), "scans"
            case "reset", _:
                message, channel = ResetWarning(rfc3339(time), seconds), "system"
            case "round", round_id:
                message, channel = RoundLocked(round_id, rfc3339(time)), "markets"
        text = frame(message.encode())
        for client in self._clients:
            if client.channels.keys() & {channel, FEED_CHANNEL}:
                client.writer.write(text)
