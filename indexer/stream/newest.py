"""The newest items of channels: for the API and the pages through Django's connection, for `/ws` through the hub's."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from indexer.domain.units import MAX_ID, block_of, first_id
from indexer.selectors.feed import BOTTOM, EventRow, FeedRow, newest_rows, newest_select, rows_of, search_bottom
from indexer.stream.connection import fetch_one
from indexer.stream.feed import (
    CHANNEL_OF,
    FEED_CHANNEL,
    KINDS,
    LARGE_TRANSFER,
    SMALL,
    FeedItem,
    feed_item,
    numbered,
)

_A_BLOCK: Final = 1_000
"""More rows than are wanted where the cursor lies inside a block: some have smaller ids than their items."""


class NewestItems(NamedTuple):
    """Items, the newest first; the search goes on below the id `reached`, None if there is nothing left."""

    items: list[FeedItem]
    reached: int | None


@dataclass(frozen=True, slots=True)
class _Search:
    """Which rows to read for the newest items of some channels below an id."""

    channels: frozenset[str]
    kinds: list[type[FeedRow]]
    parameters: dict[str, Any]

    @classmethod
    def for_channels(cls, channels: Collection[str], before: int, bottom: int, limit: int) -> "_Search":
        everything = FEED_CHANNEL in channels
        names = [
            name
            for name, kind in KINDS.items()
            if kind.channel in channels or (everything and (kind.type not in SMALL or name == "Transfer"))
        ]
        kinds = [kind for kind, channel in CHANNEL_OF.items() if everything or channel in channels]
        parameters = {
            "names": names,
            "least": 0 if "tokens" in channels else LARGE_TRANSFER,
            "first": first_id(block_of(bottom)),
            "end": min(first_id(block_of(before) + 1), MAX_ID),
            "before": before,
            "limit": limit + (_A_BLOCK if before != first_id(block_of(before)) and before != MAX_ID else 0),
        }
        return cls(frozenset(channels), [EventRow, *kinds], parameters)

    def items(self, rows: Collection[FeedRow], before: int, limit: int) -> list[FeedItem]:
        found = (item for item in map(feed_item, rows) if item.id < before and item.is_carried_by(self.channels))
        return sorted(found, key=lambda item: item.id, reverse=True)[:limit]


def newest_items(limit: int, channel: str = FEED_CHANNEL, before: int = MAX_ID) -> NewestItems:
    """The newest `limit` items of a channel below an id."""
    bottom = search_bottom(before)
    search = _Search.for_channels([channel], before, bottom, limit)
    items = search.items(newest_rows(search.kinds, search.parameters), before, limit)
    found = {item.id: item for item in items_of_blocks({item.block_number for item in items})}
    reached = items[-1].id if len(items) == limit else first_id(block_of(bottom)) or None
    return NewestItems([found[item.id] for item in items], reached)


def items_of_blocks(blocks: Collection[int]) -> list[FeedItem]:
    """All items of some blocks, in the chain's order."""
    return numbered(map(feed_item, rows_of(blocks, [*KINDS])))


async def cursor_before(connection: AsyncConnection[Any], channels: Collection[str], last: int, end: int) -> int:
    """The id after which the newest `last` items of channels follow, up to the id `end`."""
    row = await fetch_one(connection, BOTTOM, {"before": end + 1})
    assert row is not None
    search = _Search.for_channels(channels, end + 1, int(row[0]), last)
    rows: list[FeedRow] = []
    for kind in search.kinds:
        found = await connection.execute(newest_select(kind), search.parameters)
        rows += [kind(*one) for one in await found.fetchall()]
    items = search.items(rows, end + 1, last)
    return items[-1].id - 1 if items else end
