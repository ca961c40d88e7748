"""The hub: reads the feed once for a whole web process and tells all clients of it.

Each item becomes bytes once, whoever many get it. The hub reads by its own cursor; when its source fails it begins
again where it was, so clients notice nothing but a delay.
"""

import asyncio
import logging
from typing import Any, Final

from opentelemetry.trace import get_current_span
from prometheus_client import Counter, Gauge
from psycopg import AsyncConnection

from indexer.base.tracing import TRACER
from indexer.domain.units import first_id
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.feed import EVERYTHING, FeedItem
from indexer.stream.persistence import Attempts, persist
from indexer.stream.reader import Position, Step
from indexer.stream.source import FellBehind, Source
from realtime import protocol
from realtime.client import Client
from realtime.updates import PositionUpdates
from realtime.warnings import ScanWarnings
from realtime.wire import before_shutdown, frame

logger = logging.getLogger(__name__)

CONNECTIONS: Final = Gauge("websocket_connections", "Clients that are connected")
MESSAGES: Final = Counter("websocket_messages", "Feed items told, once for each client that got them")
GOING_AWAY: Final = 1001
TRY_AGAIN: Final = 1013
"""For whom something was missed: the client may go on from its cursor, on another connection."""
PAUSE: Final = 0.5
"""Seconds between two looks at an empty database."""


class Hub:
    """All clients of a process, by what they want; belongs to one event loop."""

    def __init__(self, source: Source, reorg_depth: int) -> None:
        self._source = source
        self._reorg_depth = reorg_depth
        self._clients: set[Client] = set()
        self._unsettled: set[Client] = set()
        self._recipients: dict[tuple[str, bool], tuple[Client, ...]] = {}
        self._task: asyncio.Task[None] | None = None
        self._updating: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._warnings = ScanWarnings(self._warn)
        self.updates = PositionUpdates()
        self.block: IndexedBlock | None = None
        self.position = Position(0, 0)

    async def start(self) -> None:
        """Begin to read, once; wait until the hub knows where it is, for a moment at most."""
        if self._task is None or self._task.done():
            if self._task is None:
                before_shutdown(self._say_good_bye)
                self._updating = asyncio.get_running_loop().create_task(self.updates.run(), name="position updates")
            self._task = asyncio.get_running_loop().create_task(
                persist(self._follow, "ghostnet hub", "the feed can't be read"), name="hub"
            )
        if not self._ready.is_set():
            await asyncio.wait([asyncio.ensure_future(self._ready.wait())], timeout=2)

    def join(self, client: Client) -> None:
        """A client has connected: it knows what the hub knows."""
        client.cursor = self.position.cursor
        self._clients.add(client)
        CONNECTIONS.set(len(self._clients))

    def leave(self, client: Client) -> None:
        """A client has gone."""
        self._clients.discard(client)
        self.updates.leave(client)
        self._unsettled.discard(client)
        self._recipients.clear()
        CONNECTIONS.set(len(self._clients))

    def changed(self, client: Client) -> None:
        """A client wants something else now."""
        self._recipients.clear()
        if not client.settled:
            self._unsettled.add(client)

    def confirmed(self, item: FeedItem, block: IndexedBlock) -> bool:
        """Whether no reorg is expected to reach this deep."""
        return item.block_number <= block.chain_head - self._reorg_depth

    async def _follow(self, connection: AsyncConnection[Any], attempts: Attempts) -> None:
        await self._source.begin(connection)
        block = self.block or await self._find_place(connection)
        try:
            async for step in self._source.steps(connection, block, self.position):
                await self._tell(connection, step)
                attempts.succeeded()
        except FellBehind as error:
            logger.warning("the feed goes on at the newest block: %s", error.message)
            self.block = None

    async def _find_place(self, connection: AsyncConnection[Any]) -> IndexedBlock:
        """Begin at the newest block, once there is one. Whoever has subscribed before may miss what lies between, and
        has to ask for it."""
        while (found := await reader.newest(connection)) is None:
            self._ready.set()
            await asyncio.sleep(PAUSE)
        self.block, self.position = found
        for client in self._clients:
            if client.channels or client.users:
                client.wire.close(TRY_AGAIN)
        await self._warnings.read(connection, self.block)
        self._ready.set()
        return self.block

    @TRACER.start_as_current_span("tell")
    async def _tell(self, connection: AsyncConnection[Any], step: Step) -> None:
        """Tell everybody of a step; whoever joins meanwhile waits at this step's end or before its beginning."""
        get_current_span().set_attributes({"block": step.block.block_number, "events": len(step.items)})
        before, self.block, self.position = self.position, step.block, step.reached
        if step.ancestor is not None:
            dropped_from, text = first_id(step.ancestor + 1), frame(protocol.reorg(step.ancestor))
            for client in self._clients:
                if (client.channels or client.users) and (dropped_from <= before.cursor or not client.settled):
                    client.tell_reorg(dropped_from, text)
        for item in step.items:
            recipients = self._who(item)
            if recipients:
                text = frame(item.frame(self.confirmed(item, step.block)))
                for client in recipients:
                    client.tell(item, text)
                MESSAGES.inc(len(recipients))
        for client in [*self._unsettled]:
            client.settle(step.block.revision)
            if client.settled:
                self._unsettled.discard(client)
        if step.ancestor is not None:
            self.updates.all_changed()
        else:
            self.updates.changed(step.touched)
        await self._warnings.read(connection, step.block)

    def _who(self, item: FeedItem) -> tuple[Client, ...]:
        key = (item.channel, item.in_feed)
        found = self._recipients.get(key)
        if found is None:
            found = self._recipients[key] = tuple(client for client in self._clients if client.wants(item))
        return found

    def _say_good_bye(self) -> None:
        for client in self._clients:
            client.wire.close(GOING_AWAY)

    def _warn(self, level: int, seconds: int) -> None:
        text = frame(protocol.scan_warning(level, seconds))
        for client in self._clients:
            if client.channels & {"scans", EVERYTHING}:
                client.wire.write(text)
