"""The newest feed items, for pages: read at once through Django's connection."""

from typing import Final

from indexer.selectors.feed import newest_rows
from indexer.stream.feed import KINDS, LARGE_TRANSFER, FeedItem, feed_item

_FEED_NAMES: Final = [name for name, kind in KINDS.items() if kind.type not in ("TRANSFER", "TAX")]


def newest_items(limit: int) -> list[FeedItem]:
    """The newest `limit` items that the channel `feed` carries, the newest first."""
    found = map(feed_item, newest_rows(_FEED_NAMES, LARGE_TRANSFER, limit))
    return sorted(found, key=lambda item: item.id, reverse=True)[:limit]
