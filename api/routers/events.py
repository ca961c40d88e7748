"""`/events`: what the chain told, decoded."""

from typing import Annotated, Any

from ninja import Query, Router

from api import schemas
from api.answers import get
from api.inputs import ADDRESS_PATTERN, MOST_BLOCK, address_in
from api.pagination import Cursor, Limit100, Page, paginate_found
from indexer.models import ChainEvent
from indexer.selectors.addresses import shown
from indexer.selectors.events import EventFilter, search
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["events"])

Name = Annotated[str | None, Query(pattern="^[A-Za-z]{1,64}$", description="The event's name, as JackedIn.")]
Contract = Annotated[str | None, Query(pattern="^[A-Za-z]{1,32}$", description="The contract's name, as GhostCore.")]
Involved = Annotated[
    str | None, Query(pattern=ADDRESS_PATTERN, description="An account that is one of the event's arguments.")
]
Block = Annotated[int | None, Query(ge=0, le=MOST_BLOCK)]


@get(router, "", schemas.Events, "Decoded events")
def events(
    checkpoint: IndexedBlock,
    *,
    name: Name = None,
    contract: Contract = None,
    address: Involved = None,
    from_block: Block = None,
    to_block: Block = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """Events of the seven contracts, the newest first, of blocks `from_block` to `to_block` (both included).

    One request looks through a bounded part of the chain: a page may hold fewer than `limit` events, or none, though
    more follow. The list ends where `next_cursor` is null.
    """
    wanted = EventFilter(name, contract, None if address is None else address_in(address), from_block, to_block)
    return paginate_found(lambda before: search(wanted, before, limit), cursor, _event)


def _event(row: ChainEvent) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "contract": row.contract,
        "name": row.name,
        "args": {key: shown(value) for key, value in row.args.items()},
        "time": row.block_time,
        "block": row.block_number,
        "tx": row.tx_hash,
        "log_index": row.id & ((1 << 23) - 1),
    }
