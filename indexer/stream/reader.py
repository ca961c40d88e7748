"""The feed out of the database: what is new since a cursor, each time in one snapshot."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, IsolationLevel

from indexer.domain.units import address_of, block_of, first_id, hash_of
from indexer.selectors.snapshot import READ_CHECKPOINT, IndexedBlock, indexed_block
from indexer.stream.connection import fetch_one
from indexer.stream.feed import KINDS, FeedItem, claim_item, death_item, end_of, event_item

BLOCKS_A_PAGE: Final = 200
"""Blocks with something of ours in them that are read at once."""

_RANGE: Final = "id >= %(first)s AND id <= %(last)s"
_EVENTS: Final = (
    f"SELECT id, block_time, tx_hash, name, args FROM chain_events WHERE {_RANGE} AND name = ANY(%(names)s)"
)
_DEATHS: Final = f"SELECT id, block_time, tx_hash, scan_id, level, address, amount, streak FROM deaths WHERE {_RANGE}"
_CLAIMS: Final = (
    "SELECT id, block_time, tx_hash, address, level, rewards FROM positions"
    f" WHERE {_RANGE} AND action = 'rewards_claimed'"
)
_TOUCHED: Final = f"SELECT DISTINCT address FROM positions WHERE {_RANGE}"
_NAMES: Final = list(KINDS)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: everything up to the id `cursor` of the chain as it stood after the reorg `reorg`."""

    cursor: int
    reorg: int


@dataclass(frozen=True, slots=True)
class Step:
    """What happened between two positions: first the drop of all blocks above `ancestor`, if any, then `items`.

    `ancestor` may lie above the first position: who has read on from there on another way must be told all the same.
    """

    block: IndexedBlock
    reached: Position
    ancestor: int | None
    items: list[FeedItem]
    touched: set[str]
    """Addresses, lower case, of players whose position changed."""
    complete: bool = True
    """Whether `reached` is the end of `block`."""
    begins: int = 0
    """The id above which all items are here."""


@asynccontextmanager
async def snapshot(connection: AsyncConnection[Any]) -> AsyncIterator[IndexedBlock | None]:
    """Let all reads inside see the state of the yielded block."""
    assert connection.isolation_level is IsolationLevel.REPEATABLE_READ
    async with connection.transaction():
        yield indexed_block(await fetch_one(connection, READ_CHECKPOINT))


async def newest(connection: AsyncConnection[Any]) -> tuple[IndexedBlock, Position] | None:
    """The last indexed block and the position at its end; None before anything is indexed."""
    async with snapshot(connection) as block:
        if block is None:
            return None
        reorg, _ = await _reorgs_since(connection, 0)
        return block, Position(end_of(block.block_number), reorg)


async def step(connection: AsyncConnection[Any], position: Position, most_blocks: int) -> Step | None:
    """What happened since a position, in no more than so many blocks with something of ours in them; None if nothing is
    indexed."""
    async with snapshot(connection) as block:
        if block is None:
            return None
        reorg, ancestor = await _reorgs_since(connection, position.reorg)
        cursor = kept_cursor(position, ancestor)
        end = end_of(block.block_number)
        last = await page_end(connection, cursor, end, most_blocks)
        items = await read_items(connection, cursor, last)
        touched = await _touched(connection, cursor, last)
        return Step(block, Position(last, reorg), ancestor, items, touched, last == end, cursor)


def kept_cursor(position: Position, ancestor: int | None) -> int:
    """How far a position's items still stand once all above an ancestor is dropped, None for nothing dropped."""
    return position.cursor if ancestor is None else min(position.cursor, end_of(ancestor))


async def read_items(connection: AsyncConnection[Any], after: int, last: int) -> list[FeedItem]:
    """The items with ids above `after` up to `last`, in order."""
    if after >= last:
        return []
    bounds = {"first": first_id(block_of(after)), "last": last, "names": _NAMES}
    found: list[FeedItem] = []
    readings: Iterable[tuple[str, Any]] = ((_EVENTS, event_item), (_DEATHS, death_item), (_CLAIMS, claim_item))
    async with connection.pipeline():
        asked = [(await connection.execute(query, bounds, prepare=True), item) for query, item in readings]
        for cursor, item in asked:
            found.extend(map(item, await cursor.fetchall()))
    return sorted((item for item in found if item.id > after), key=lambda item: item.id)


async def page_end(connection: AsyncConnection[Any], after: int, last: int, most_blocks: int = BLOCKS_A_PAGE) -> int:
    """Where a page of items after a cursor ends: at the end of a block, `last` at the latest."""
    sql = "SELECT id FROM chain_blocks WHERE id > %s AND id <= %s ORDER BY id OFFSET %s LIMIT 1"
    row = await fetch_one(connection, sql, (after, last, most_blocks))
    return last if row is None else min(last, end_of(block_of(row[0])))


async def block_hashes(connection: AsyncConnection[Any], blocks: set[int]) -> dict[int, str]:
    """The hashes of blocks that hold something of ours."""
    if not blocks:
        return {}
    rows = await connection.execute(
        "SELECT id, hash FROM chain_blocks WHERE id = ANY(%s)", (list(map(first_id, blocks)),)
    )
    return {block_of(place): hash_of(block_hash) async for place, block_hash in rows}


async def kept_ancestor(connection: AsyncConnection[Any], cursor: int) -> int | None:
    """The last block that surely still stands of all that somebody saw who saw the cursor's block; None: all do.

    The cursor does not tell of which fork its block was. So whatever reorg dropped a block of that number counts, and
    each later one that dropped what was left.
    """
    kept = seen = block_of(cursor)
    rows = await connection.execute(
        "SELECT ancestor_number, dropped_head FROM reorgs WHERE ancestor_number < %s ORDER BY id", (seen,)
    )
    async for ancestor, dropped_head in rows:
        if ancestor < kept <= dropped_head:
            kept = ancestor
    return kept if kept < seen else None


async def oldest_event(connection: AsyncConnection[Any]) -> int:
    """The smallest cursor after which the whole feed is still stored."""
    row = await fetch_one(
        connection,
        "SELECT coalesce((SELECT id FROM chain_events WHERE block_time >="
        " (SELECT max(before) FROM retention_horizons) ORDER BY id LIMIT 1), 0)",
    )
    assert row is not None
    return max(0, int(row[0]) - 1)


async def _reorgs_since(connection: AsyncConnection[Any], known: int) -> tuple[int, int | None]:
    """The last reorg, and the block above which everything was dropped since a known one; None if nothing was."""
    row = await fetch_one(connection, "SELECT max(id), min(ancestor_number) FROM reorgs WHERE id > %s", (known,))
    assert row is not None
    return (known, None) if row[0] is None else (row[0], row[1])


async def _touched(connection: AsyncConnection[Any], after: int, last: int) -> set[str]:
    bounds = {"first": after + 1, "last": last}
    rows = await connection.execute(_TOUCHED, bounds, prepare=True)
    return {address_of(address) async for (address,) in rows}
