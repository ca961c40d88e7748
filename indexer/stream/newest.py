"""The newest feed items, for pages: read at once through Django's connection."""

from itertools import chain
from typing import Final

from indexer.selectors.feed import newest_claims, newest_deaths, newest_events
from indexer.stream.feed import KINDS, LARGE_TRANSFER, FeedItem, claim_item, death_item, event_item

_FEED_NAMES: Final = [name for name, kind in KINDS.items() if kind.type not in ("TRANSFER", "TAX")]


def newest_items(limit: int) -> list[FeedItem]:
    """The newest `limit` items that the channel `feed` carries, the newest first."""
    found = chain(
        map(event_item, newest_events(_FEED_NAMES, LARGE_TRANSFER, limit)),
        map(death_item, newest_deaths(limit)),
        map(claim_item, newest_claims(limit)),
    )
    return sorted(found, key=lambda item: item.id, reverse=True)[:limit]
