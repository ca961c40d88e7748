"""`/positions`: players' stakes."""

from typing import Any

from ninja import Router

from api import schemas
from api.answers import get
from api.errors import BadInput
from api.inputs import AddressIn, BlockIn, address_in
from indexer.domain.positions import Boost, BoostType
from indexer.models import Checkpoint
from indexer.selectors.players import player_position
from indexer.selectors.status import block_timestamp

router = Router(tags=["positions"])


@get(router, "/{address}", schemas.PlayerPosition, "A player's position")
def position(checkpoint: Checkpoint, address: AddressIn, at_block: BlockIn = None) -> dict[str, Any]:
    """The position now, or as it stood after a block; null for who has none."""
    player = address_in(address)
    if at_block is not None and not checkpoint.start_block <= at_block <= checkpoint.block_number:
        raise BadInput([("at_block", f"blocks {checkpoint.start_block} to {checkpoint.block_number} are indexed")])
    timestamp = int(checkpoint.timestamp) if at_block is None else block_timestamp(at_block)
    found = player_position(player, timestamp, at_block)
    if found is None:
        return {"address": player, "position": None}
    return {
        "address": player,
        "position": {
            "address": player,
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
        },
    }


def _boost(boost: Boost) -> dict[str, Any]:
    known = boost.boost_type in set(BoostType)
    return {
        "type": BoostType(boost.boost_type).name if known else str(boost.boost_type),
        "value_bps": boost.value_bps,
        "expires_at": boost.expiry,
    }
