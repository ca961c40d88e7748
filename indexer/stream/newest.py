"""The newest items of the feed, for pages that are made without waiting for anything."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.db import connection

from indexer.selectors.timing import SECONDS
from indexer.stream.feed import KINDS, LARGE_TRANSFER, FeedItem, claim_item, death_item, event_item

_FEED_NAMES: Final = [name for name, kind in KINDS.items() if kind.type not in ("TRANSFER", "TAX")]
_NEWEST: Final = "ORDER BY id DESC LIMIT %(limit)s"
_READINGS: Final[tuple[tuple[str, Callable[[Any], FeedItem]], ...]] = (
    (
        "SELECT id, block_time, tx_hash, name, args FROM chain_events WHERE name = ANY(%(names)s)"
        f" OR (name = 'Transfer' AND (args->>'value')::numeric >= %(large)s) {_NEWEST}",
        lambda row: event_item((*row[:4], json.loads(row[4]))),
    ),
    (
        f"SELECT id, block_time, tx_hash, scan_id, level, address, amount, streak FROM deaths {_NEWEST}",
        death_item,
    ),
    (
        "SELECT id, block_time, tx_hash, address, level, rewards FROM positions"
        f" WHERE action = 'rewards_claimed' {_NEWEST}",
        claim_item,
    ),
)


def newest_items(limit: int) -> list[FeedItem]:
    """The newest items that the channel `feed` carries, the last one first."""
    parameters: dict[str, Any] = {"names": _FEED_NAMES, "large": LARGE_TRANSFER, "limit": limit}
    found: list[FeedItem] = []
    for query, item in _READINGS:
        with SECONDS.time(), connection.cursor() as cursor:
            cursor.execute(query, parameters)
            found.extend(map(item, cursor.fetchall()))
    return sorted(found, key=lambda one: one.id, reverse=True)[:limit]
