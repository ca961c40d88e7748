"""`/positions`: players' stakes."""

from typing import Annotated, Any, Final

from ninja import Query, Router

from api import schemas
from api.answers import Seen, get, get_at_once
from api.errors import BadInput
from api.inputs import AddressIn, BlockIn, LevelIn, RequiredLevel, address_in, level_in
from api.pagination import Cursor, Limit100, Limit1000, Offset, Page, paginate
from indexer.domain.positions import Action, Boost, BoostType, Status, effective_amount
from indexer.domain.units import Address
from indexer.models import CurrentPosition
from indexer.models import Position as PositionVersion
from indexer.records.stored import stored_position
from indexer.selectors.players import (
    PlayerPosition,
    current_epoch,
    latest_position,
    next_victims,
    position_at,
    positions_with_streak,
)
from indexer.selectors.snapshot import IndexedBlock, snapshot
from indexer.selectors.status import block_timestamp

router = Router(tags=["positions"])

StatusIn = Annotated[str | None, Query(pattern="^(" + "|".join(Status) + ")$")]
ActionIn = Annotated[str | None, Query(pattern="^(" + "|".join(Action) + ")$")]
ORDERS: Final = {"amount": ("amount", "id"), "entered_at": ("entry_time", "id"), "streak": ("streak", "id")}
OrderIn = Annotated[str, Query(pattern="^(" + "|".join(ORDERS) + ")$", description="The greatest first.")]


@get(router, "", schemas.Positions, "Positions")
def positions(
    checkpoint: IndexedBlock,
    *,
    level: LevelIn = None,
    status: StatusIn = None,
    order: OrderIn = "amount",
    limit: Limit1000 = 100,
    cursor: Cursor = None,
    offset: Offset = None,
) -> Page:
    """Positions as they stand; those that were extracted only if `status` asks for them."""
    rows = positions_with_streak()
    rows = rows.exclude(status=Status.EXTRACTED) if status is None else rows.filter(status=status)
    if level is not None:
        rows = rows.filter(level=level_in(level))
    epoch = current_epoch()
    return paginate(rows, ORDERS[order], cursor, limit, lambda row: _listed(row, epoch), offset=offset)


@get(router, "/at-risk", schemas.AtRisk, "Who the next cullings would take")
def at_risk(checkpoint: IndexedBlock, *, level: RequiredLevel, threshold: Limit1000 = 50) -> dict[str, Any]:
    """The first `threshold` victims of a level's next cullings, should nobody else come or go.

    A culling happens when somebody enters a full level. It takes the first of the level's array, whose place the last
    one gets (GhostCore, `_cullPosition`).
    """
    found = next_victims(level_in(level), threshold)
    epoch = current_epoch()
    return {
        "level": schemas.LevelName.of(found.level),
        "free_places": found.free_places,
        "order_known": found.order_known,
        "items": [{"rank": rank, **_listed(row, epoch)} for rank, row in enumerate(found.positions, 1)],
    }


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
    rows = PositionVersion.objects.filter(address=address_in(address))
    if action is not None:
        rows = rows.filter(action=action)
    return paginate(rows, ("id",), cursor, limit, _change, offset=offset)


@get_at_once(router, "/{address}", schemas.PlayerPosition, "A player's position")
def position(seen: Seen, address: AddressIn, at_block: BlockIn = None) -> dict[str, Any]:
    """The position now, or as it stood after a block; null for who has none."""
    player = address_in(address)
    if at_block is None:
        block, found = latest_position(player)
        seen(block)
    else:
        with snapshot() as block:
            checkpoint = seen(block)
            if not checkpoint.start_block <= at_block <= checkpoint.block_number:
                message = f"blocks {checkpoint.start_block} to {checkpoint.block_number} are indexed"
                raise BadInput([("at_block", message)])
            found = position_at(player, at_block, block_timestamp(at_block))
    return {"address": player, "position": None if found is None else shown_position(found)}


def shown_position(found: PlayerPosition) -> dict[str, Any]:
    """The columns of `schemas.Position`."""
    return {
        "address": found.address,
        "level": schemas.LevelName.of(found.level),
        "status": found.status,
        "amount": found.amount,
        "effective_amount": found.effective_amount,
        "pending_rewards": found.pending_rewards,
        "ghost_streak": found.ghost_streak,
        "effective_death_rate_bps": found.effective_death_rate_bps,
        "entered_at": found.entry_time,
        "last_add_at": found.last_add_time,
        "next_scan_at": found.next_scan_time,
        "boosts": [_boost(boost) for boost in found.boosts],
        "changed_at": found.changed_at,
    }


def _listed(row: CurrentPosition, epoch: int) -> dict[str, Any]:
    return {
        "address": row.address,
        "level": row.level,
        "status": row.status,
        "amount": row.amount,
        "effective_amount": effective_amount(stored_position(row, Address(str(row.address))), epoch),
        "ghost_streak": row.streak,  # type: ignore[attr-defined]
        "entered_at": int(row.entry_time),
        "last_add_at": int(row.last_add_time),
        "changed_at": row.block_time,
    }


def _change(row: PositionVersion) -> dict[str, Any]:
    return {
        "action": row.action,
        "amount_change": row.amount_change,
        "penalty": row.penalty,
        "rewards": row.rewards,
        "new_total": row.amount,
        "level": row.level,
        "status": row.status,
        "event_id": None if row.event_id is None else str(row.event_id),
        "time": row.block_time,
        "block": row.block_number,
        "tx": row.tx_hash,
    }


def _boost(boost: Boost) -> dict[str, Any]:
    known = boost.boost_type in set(BoostType)
    return {
        "type": BoostType(boost.boost_type).name if known else str(boost.boost_type),
        "value_bps": boost.value_bps,
        "expires_at": boost.expiry,
    }
