"""`/positions`: players' stakes."""

from typing import Annotated, Any

from ninja import Query, Router

from api import schemas
from api.answers import AcceptBlock, get, get_with_own_snapshot
from api.errors import BadInput
from api.inputs import AddressIn, BlockIn, LevelIn, RequiredLevel, address_in, level_in, optional_level
from api.pagination import Cursor, Limit100, Limit1000, Offset, Page, paginate
from indexer.domain.positions import Action, Status
from indexer.selectors import positions as selectors
from indexer.selectors.players import latest_position, position_at
from indexer.selectors.snapshot import IndexedBlock, snapshot
from indexer.selectors.status import block_timestamp

router = Router(tags=["positions"])

StatusIn = Annotated[Status | None, Query(description="Positions with this status.")]
ActionIn = Annotated[Action | None, Query(description="Changes of this kind.")]
OrderIn = Annotated[selectors.Order, Query(description="The greatest first.")]


@get(router, "", schemas.Positions, "Positions")
def positions(
    checkpoint: IndexedBlock,
    *,
    level: LevelIn = None,
    status: StatusIn = None,
    order: OrderIn = selectors.Order.AMOUNT,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
    offset: Offset = None,
) -> Page:
    """Positions as they stand; those that were extracted only if `status` asks for them."""
    listing = selectors.positions(order, optional_level(level), status)
    epoch = selectors.current_epoch()
    return paginate(listing, cursor, limit, lambda row: selectors.ListedPosition.of(row, epoch), offset=offset)


@get(router, "/at-risk", schemas.AtRisk, "Who the next cullings would take")
def at_risk(checkpoint: IndexedBlock, *, level: RequiredLevel, threshold: Limit1000 = 50) -> selectors.NextVictims:
    """The first `threshold` victims of a level's next cullings, if no other player enters or leaves.

    A culling happens when a player enters a full level. It removes the first of the level's array, whose place the last
    one gets (GhostCore, `_cullPosition`).
    """
    return selectors.next_victims(level_in(level), threshold)


@get(router, "/{address}/history", schemas.PositionHistory, "A player's changes")
def history(
    checkpoint: IndexedBlock,
    *,
    address: AddressIn,
    action: ActionIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
    offset: Offset = None,
) -> Page:
    """Every change of the player's positions, the last one first."""
    return paginate(selectors.changes(address_in(address), action), cursor, limit, offset=offset)


@get_with_own_snapshot(router, "/{address}", schemas.PlayerPosition, "A player's position")
def position(accept: AcceptBlock, address: AddressIn, at_block: BlockIn = None) -> dict[str, Any]:
    """The position now, or as it stood after a block; null for an address without one."""
    player = address_in(address)
    if at_block is None:
        block, found = latest_position(player)
        accept(block)
    else:
        with snapshot() as block:
            checkpoint = accept(block)
            if not checkpoint.start_block <= at_block <= checkpoint.block_number:
                message = (
                    f"blocks {checkpoint.start_block} to {checkpoint.block_number} are indexed;"
                    " with min_block the answer waits for a later one"
                )
                raise BadInput([("at_block", message)])
            found = position_at(player, at_block, block_timestamp(at_block))
    return {"address": player, "position": found}
