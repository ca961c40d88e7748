"""Replays: send a client what it missed since its cursor, from the tables, without gap or repetition, then go live."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from psycopg import AsyncConnection

from ghostnet.http.limits import ClientLimits
from ghostnet.http.work_slots import WorkSlots
from indexer.domain.units import Address, block_of, first_id
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.connection import connect
from indexer.stream.feed import FeedItem
from indexer.stream.ids import last_id
from indexer.stream.newest import cursor_before
from indexer.stream.survivors import survivor_items
from realtime.client import Client, starts_of
from realtime.hub import Hub
from realtime.protocol import BadMessage, Reorg, Subscribed
from realtime.socket_writer import TRY_AGAIN, frame

MAX_REPLAYS: Final = 8
"""Replays that read the database at the same time."""
MAX_WAITING: Final = 2_000
ITEMS_A_PAGE: Final = 100
"""The approximate number of items of a replay that are read and sent without yielding to other tasks."""
BLOCKS_A_PAGE: Final = 200
MAX_WAIT_SECONDS: Final = 20.0
"""Seconds that a replay may wait for a slot."""
MAX_REPLAY_SECONDS: Final = 60.0
"""Seconds after which the replay of a slow client ends, to make room for others; it can go on from its cursor."""


class Replays:
    """All replays of a process; `replay_blocks` is how many blocks back a client's cursor may be.

    The number of replays of each client is limited, and one replay works at a time, for a page; it then leaves the
    event loop to live items for as long as the page has taken.
    """

    def __init__(self, hub: Hub, replay_blocks: int, limits: ClientLimits) -> None:
        self._hub = hub
        self._replay_blocks = replay_blocks
        each, waiting = limits.slots_each(MAX_REPLAYS), limits.waiting_each(MAX_WAITING)
        self._slots = WorkSlots(MAX_REPLAYS, each, MAX_WAITING, waiting)
        self._page = asyncio.Lock()

    async def run(self, client: Client, wanted: "Wanted") -> None:
        """Subscribe a client to what it wanted: send what it missed, in order, then go live.

        What the hub sends meanwhile is held back. The database may be ahead of the hub: until the hub has come as far
        as the replay, the client gets only what it does not have. Raises BadMessage for a cursor that nothing can be
        replayed from, NoRoom and TimeoutError (the client is closed, or never got a slot), psycopg.Error.
        """
        async with self._slot(client):
            if not client.writer.closed:
                async with asyncio.timeout(MAX_REPLAY_SECONDS), await connect("ghostnet replay") as connection:
                    await self._replay(connection, client, wanted)

    async def _replay(self, connection: AsyncConnection[Any], client: Client, wanted: "Wanted") -> None:
        async with self._hub.delivery:
            known = self._begin(client, wanted)
        try:
            replay = await self._send_missed(connection, client, wanted, known)
            client.cursor, client.revision = replay.last, replay.block.revision
        except BadMessage:
            self._undo(client, wanted, known)
            raise
        except BaseException:
            # What was held back would leave a gap. The client goes on from its cursor on another connection.
            client.writer.close(TRY_AGAIN)
            raise
        finally:
            async with self._hub.delivery:
                client.end_replay()
                client.sync(self._hub.block.revision if self._hub.block else 0)
                self._hub.update_subscriptions(client)

    def _begin(self, client: Client, wanted: "Wanted") -> "Known":
        """Subscribe a client to what it wanted, hold back what the hub sends it from now on, and return what it has."""
        revision = 0 if client.in_sync else client.revision
        reorg_id = self._hub.cursor.reorg_id if self._hub.block else None
        known = Known(self._hub.cursor_of(client), revision, reorg_id, {**client.channels}, {**client.users})
        client.in_sync, client.held = False, deque()
        client.channels = dict.fromkeys(wanted.channels, known.cursor) | client.channels
        if wanted.player is not None:
            self._hub.updates.watch(client, wanted.player, known.cursor)
        self._hub.update_subscriptions(client)
        return known

    def _undo(self, client: Client, wanted: "Wanted", known: "Known") -> None:
        """Unsubscribe a client again from what it wanted from a cursor that nothing can be replayed from."""
        client.channels, client.cursor, client.revision = {**known.channels}, known.cursor, known.revision
        if wanted.player is not None and wanted.player not in known.users:
            self._hub.updates.unwatch(client, wanted.player)

    async def _send_missed(
        self, connection: AsyncConnection[Any], client: Client, wanted: "Wanted", known: "Known"
    ) -> "Replay":
        """Send a client SUBSCRIBED, and what it wanted without what it has `known`; return the replay, which is at its
        end unless the client was closed. Raises BadMessage before anything is sent."""
        async with reader.snapshot(connection) as block:
            replay = await self._prepare(connection, block, wanted, known)
            client.writer.write(frame(Subscribed.of(client.channels, client.users, replay.last).encode()))
            if replay.ancestor is not None:
                client.writer.write(frame(Reorg.of(replay.ancestor).encode()))
                kept = last_id(replay.ancestor)
                known = replace(known, cursor=min(known.cursor, kept))
                client.begin_below(kept + 1)
            wanted.begin_after(replay.after, client, known)
            pages = replay.pages(connection, known.lacks_after(replay.after), {*client.users})
            while not client.writer.closed and await self._send_page(pages, client, known):
                await client.writer.drained()
        return replay

    @asynccontextmanager
    async def _slot(self, client: Client) -> AsyncIterator[None]:
        """Hold one of the MAX_REPLAYS slots. Raises NoRoom, TimeoutError if none becomes free."""
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            await self._slots.take(client.address)
        try:
            yield
        finally:
            self._slots.give_back(client.address)

    async def _send_page(self, pages: AsyncIterator[list[FeedItem]], client: Client, known: "Known") -> bool:
        """Send the next page of a replay to a client, without what it has `known`, then rest. Return False if there is
        none."""
        async with self._page:
            started = time.perf_counter()
            page = await anext(pages, None)
            for item in page or ():
                if client.lacks(item) and not known.has(item):
                    client.writer.write(frame(item.message()))
            await asyncio.sleep(time.perf_counter() - started)
        return page is not None

    async def _prepare(
        self, connection: AsyncConnection[Any], block: IndexedBlock | None, wanted: "Wanted", known: "Known"
    ) -> "Replay":
        """The replay of what a client wanted. Raises BadMessage for a cursor that nothing can be replayed from."""
        if block is None:
            raise BadMessage("bad_cursor", "nothing is indexed yet")
        last = last_id(block.block_number)
        oldest = last_id(max(0, block.block_number - self._replay_blocks) - 1)
        oldest = max(oldest, await reader.oldest_cursor(connection))
        dropped = await known.dropped(connection)
        if wanted.since is None:
            after = await cursor_before(connection, wanted.channels, wanted.last or 0, last)
            return Replay(block, dropped, max(after, oldest), last)
        ancestor = await reader.common_ancestor(connection, wanted.since)
        after = wanted.since if ancestor is None else last_id(ancestor)
        if after > last:
            raise BadMessage("bad_cursor", f"since is not reached yet; {last} is the newest")
        if after < oldest:
            raise BadMessage("replay_too_old", "since is older than what is replayed", oldest=oldest)
        if dropped is not None:
            # The REORG drops what the client has of the wanted channels, too, from wherever it has it.
            ancestor = dropped if ancestor is None else min(ancestor, dropped)
            after = min(after, last_id(ancestor))
        return Replay(block, ancestor, after, last)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client subscribes to, channels or a player, and from where on: the id `since` or, where it is None, the
    newest `last` items of the channels."""

    channels: AbstractSet[str] = frozenset()
    since: int | None = None
    last: int | None = None
    player: Address | None = None

    def begin_after(self, after: int, client: Client, known: "Known") -> None:
        """Let the client's subscriptions to these begin at the id `after`, unless they began below it."""
        for channel in self.channels:
            client.channels[channel] = min(after, client.channels[channel]) if channel in known.channels else after
        if self.player is not None:
            began = client.users[self.player] if self.player in known.users else after
            client.users[self.player] = min(after, began)


@dataclass(frozen=True, slots=True)
class Known:
    """What a client was subscribed to before a replay, with the ids above which it has all of that, up to `cursor`, of
    the chain as it was after the reorg `reorg_id` (None: the hub does not know of any yet).

    `revision` is the database's at the client's last replay (0: it was in sync with the hub).
    """

    cursor: int
    revision: int
    reorg_id: int | None
    channels: Mapping[str, int]
    users: Mapping[str, int]

    async def dropped(self, connection: AsyncConnection[Any]) -> int | None:
        """The block above which reorgs, which the hub has not read yet, dropped what the client has; None for none."""
        if self.reorg_id is None or not (self.channels or self.users):
            return None
        _, ancestor = await reader.reorgs_since(connection, self.reorg_id)
        return ancestor if ancestor is not None and last_id(ancestor) < self.cursor else None

    def lacks_after(self, after: int) -> int:
        """The id above which the client may lack items, of those that it asks for after an id, and of those that it is
        subscribed to: of these it has no more than the hub, which may not be as far."""
        return after if self.reorg_id is None or not (self.channels or self.users) else min(after, self.cursor)

    def has(self, item: FeedItem) -> bool:
        """Whether the client has this item."""
        return any(start < item.id <= self.cursor for start in starts_of(item, self.channels, self.users))


@dataclass(frozen=True, slots=True)
class Replay:
    """The items with ids above `after` up to `last`, the end of `block`.

    `ancestor` is the block above which all that the client saw, on this connection or before, was dropped by reorgs;
    None if nothing was.
    """

    block: IndexedBlock
    ancestor: int | None
    after: int
    last: int

    async def pages(
        self, connection: AsyncConnection[Any], after: int, players: AbstractSet[str]
    ) -> AsyncIterator[list[FeedItem]]:
        """The items above an id up to the end, in order, some ITEMS_A_PAGE at a time, with those of the scans that some
        players survived."""
        blocks = 1
        while after < self.last:
            end = await reader.page_end(connection, after, self.last, blocks)
            # The scan's own item may lie before the cursor, and those of its survivors behind it.
            items = await reader.read_items(connection, first_id(block_of(after)) - 1, end)
            items += await survivor_items(connection, items, players)
            yield sorted((item for item in items if item.id > after), key=attrgetter("id"))
            after = end
            blocks = max(1, min(2 * blocks, blocks * ITEMS_A_PAGE // max(1, len(items)), BLOCKS_A_PAGE))
