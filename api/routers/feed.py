"""`/feed`: the newest events in the frames of `/ws`, for a first paint."""

from typing import Annotated, Any

import msgspec
from ninja import Query, Router

from api import schemas
from api.answers import get
from api.pagination import Limit100
from indexer.domain.units import MAX_ID
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import Channel
from indexer.stream.newest import newest_items

router = Router(tags=["feed"])

ChannelIn = Annotated[Channel, Query(description="The channel of `/ws`.")]
Before = Annotated[int | None, Query(ge=0, le=MAX_ID, description="Events before this id; without it the newest.")]


@get(router, "", schemas.Feed, "The newest events")
def feed(
    checkpoint: IndexedBlock, channel: ChannelIn = "feed", limit: Limit100 = 50, before: Before = None
) -> dict[str, Any]:
    """The newest first, in the frames of `/ws`; with `X-Feed-Cursor` as `since` a subscription goes on from here.

    A page may hold fewer than `limit` events, or none, though more follow before `next_cursor`.
    """
    found = newest_items(limit, channel, before=MAX_ID if before is None else before)
    frames = [msgspec.json.decode(item.message()) for item in found.items]
    return {"items": frames, "next_cursor": None if found.reached is None else str(found.reached)}
