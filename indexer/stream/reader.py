"""Read the feed from the tables: everything after a cursor, in one snapshot per call.

These functions on an async psycopg connection (`indexer.stream.connection`) are how stream and realtime run SQL: they
run on an event loop, on which Django's connections would block everything else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, IsolationLevel

from indexer.domain.units import address_of, block_of, first_id, hash_of
from indexer.selectors.feed import SELECTS
from indexer.selectors.snapshot import READ_CHECKPOINT, IndexedBlock, indexed_block
from indexer.stream.connection import fetch_one
from indexer.stream.feed import KINDS, FeedItem, feed_item, numbered
from indexer.stream.ids import last_id

BLOCKS_A_PAGE: Final = 200
"""Blocks with events of our contracts that are read at once."""

_RANGE: Final = "id >= %(first)s AND id <= %(last)s"
_ITEMS: Final = {kind: f"{select} AND {_RANGE}" for kind, select in SELECTS.items()}
_TOUCHED: Final = f"SELECT address FROM positions WHERE {_RANGE} UNION SELECT address FROM boosts WHERE {_RANGE}"
_NAMES: Final = list(KINDS)


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A reader's position: it has all items up to the id `event_id`, of the chain as it was after the reorg `reorg_id`
    (0 for none)."""

    event_id: int
    reorg_id: int


@dataclass(frozen=True, slots=True)
class Step:
    """What happened between two cursors: first the drop of all blocks above `ancestor` (None: no reorg), then `items`.

    `ancestor` may lie above the first cursor: a client that has read further by itself needs the reorg too.
    """

    block: IndexedBlock
    """The checkpoint at the time of reading."""
    cursor: FeedCursor
    """Where the step ends."""
    ancestor: int | None
    items: list[FeedItem]
    touched: set[str]
    """Addresses, lower case, of players whose position or boosts changed."""
    complete: bool = True
    """Whether `cursor` is the end of `block`; else another step follows at once."""
    after: int = 0
    """The id above which all items are here."""


@asynccontextmanager
async def snapshot(connection: AsyncConnection[Any]) -> AsyncIterator[IndexedBlock | None]:
    """Let all reads inside see one state, and yield its checkpoint; None before anything is indexed."""
    assert connection.isolation_level is IsolationLevel.REPEATABLE_READ
    async with connection.transaction():
        yield indexed_block(await fetch_one(connection, READ_CHECKPOINT))


async def read_newest(connection: AsyncConnection[Any]) -> tuple[IndexedBlock, FeedCursor] | None:
    """The last indexed block and the cursor at its end; None before anything is indexed."""
    async with snapshot(connection) as block:
        if block is None:
            return None
        reorg_id, _ = await reorgs_since(connection, 0)
        return block, FeedCursor(last_id(block.block_number), reorg_id)


async def read_step(connection: AsyncConnection[Any], cursor: FeedCursor, max_blocks: int) -> Step | None:
    """What happened since a cursor, in at most `max_blocks` blocks with events of our contracts; None before anything
    is indexed."""
    async with snapshot(connection) as block:
        if block is None:
            return None
        reorg_id, ancestor = await reorgs_since(connection, cursor.reorg_id)
        after = kept_id(cursor, ancestor)
        end = last_id(block.block_number)
        last = await page_end(connection, after, end, max_blocks)
        items = await read_items(connection, after, last)
        touched = await _touched(connection, after, last)
        return Step(block, FeedCursor(last, reorg_id), ancestor, items, touched, last == end, after)


def kept_id(cursor: FeedCursor, ancestor: int | None) -> int:
    """The id up to which what was read by a cursor is still valid once all blocks above an ancestor are dropped."""
    return cursor.event_id if ancestor is None else min(cursor.event_id, last_id(ancestor))


async def read_items(connection: AsyncConnection[Any], after: int, last: int) -> list[FeedItem]:
    """The items with ids above `after` up to `last`, in order."""
    if after >= last:
        return []
    # Some rows have smaller ids than their items: read the whole block, then compare.
    bounds = {"first": first_id(block_of(after)), "last": last, "names": _NAMES}
    async with connection.pipeline():
        cursors = [(kind, await connection.execute(sql, bounds, prepare=True)) for kind, sql in _ITEMS.items()]
        found = [feed_item(kind(*row)) for kind, rows in cursors for row in await rows.fetchall()]
    return [item for item in numbered(found) if item.id > after]


async def page_end(connection: AsyncConnection[Any], after: int, last: int, max_blocks: int = BLOCKS_A_PAGE) -> int:
    """The id at which a page of items after an id ends: the end of a block, `last` at the latest."""
    sql = "SELECT id FROM chain_blocks WHERE id > %s AND id <= %s ORDER BY id OFFSET %s LIMIT 1"
    row = await fetch_one(connection, sql, (after, last, max_blocks))
    return last if row is None else min(last, last_id(block_of(row[0])))


async def block_hashes(connection: AsyncConnection[Any], blocks: set[int]) -> dict[int, str]:
    """The hashes of blocks that have events of our contracts, by number."""
    if not blocks:
        return {}
    rows = await connection.execute(
        "SELECT id, hash FROM chain_blocks WHERE id = ANY(%s)", (list(map(first_id, blocks)),)
    )
    return {block_of(row_id): hash_of(block_hash) async for row_id, block_hash in rows}


async def common_ancestor(connection: AsyncConnection[Any], event_id: int) -> int | None:
    """The last block that a client whose cursor is this id surely shares with the chain now; None: its block itself.

    The id does not show of which fork its block was. So each reorg that dropped a block of that number counts, and each
    later one that dropped what was left.
    """
    kept = seen = block_of(event_id)
    rows = await connection.execute(
        "SELECT ancestor_number, dropped_head FROM reorgs WHERE ancestor_number < %s ORDER BY id", (seen,)
    )
    async for ancestor, dropped_head in rows:
        if ancestor < kept <= dropped_head:
            kept = ancestor
    return kept if kept < seen else None


async def oldest_cursor(connection: AsyncConnection[Any]) -> int:
    """The smallest id after which the whole feed is still stored: what retention has not removed."""
    row = await fetch_one(
        connection,
        "SELECT coalesce((SELECT id FROM chain_events WHERE block_time >="
        " (SELECT max(before) FROM retention_horizons) ORDER BY id LIMIT 1), 0)",
    )
    assert row is not None
    return max(0, int(row[0]) - 1)


async def reorgs_since(connection: AsyncConnection[Any], known: int) -> tuple[int, int | None]:
    """The id of the last reorg, and the lowest ancestor of all reorgs after a known one (None if there were none)."""
    row = await fetch_one(connection, "SELECT max(id), min(ancestor_number) FROM reorgs WHERE id > %s", (known,))
    assert row is not None
    return (known, None) if row[0] is None else (row[0], row[1])


async def _touched(connection: AsyncConnection[Any], after: int, last: int) -> set[str]:
    bounds = {"first": after + 1, "last": last}
    rows = await connection.execute(_TOUCHED, bounds, prepare=True)
    return {address_of(address) async for (address,) in rows}
