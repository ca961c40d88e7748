"""Positions, their changes, and the next victims of cullings."""

from typing import Literal

from pydantic import AliasPath, Field

from api.schemas.base import Address, Block, EventId, LevelNumber, Moment, OnLevel, Page, Schema, TxHash, Wei
from indexer.domain.positions import Action, BoostName

PositionStatus = Literal["alive", "traced", "culled", "extracted"]


class Boost(Schema):
    """A boost in force."""

    type: BoostName = Field(validation_alias="type_name", description="What it changes.", examples=["death_reduction"])
    value_bps: int = Field(description="By how much, in basis points.", examples=[500])
    expires_at: Moment = Field(validation_alias="expiry", description="When it ends; null for never.")


class ListedPosition(OnLevel):
    """A position in a list."""

    address: Address = Field(validation_alias=AliasPath("position", "address"))
    level: LevelNumber = Field(validation_alias=AliasPath("position", "level"))
    status: PositionStatus = Field(
        validation_alias=AliasPath("position", "status"),
        description="Whether it is alive, and if not, how it ended.",
        examples=["alive"],
    )
    amount: Wei = Field(validation_alias=AliasPath("position", "amount"), description="The stake in wei, as stored.")
    effective_amount: Wei = Field(description="What a pending reset penalty leaves of `amount`, in wei.")
    ghost_streak: int = Field(description="Scans survived in a row.", examples=[3])
    entered_at: Moment = Field(validation_alias=AliasPath("position", "entry_time"), description="When it was opened.")
    last_add_at: Moment = Field(
        validation_alias=AliasPath("position", "last_add_time"), description="When stake was added last."
    )
    changed_at: Moment = Field(description="The time of the last change of the position's own.")


class Position(ListedPosition):
    """A player's position."""

    pending_rewards: Wei = Field(description="Rewards that can be claimed, in wei.")
    effective_death_rate_bps: int = Field(
        description="The chance to die in a scan with the boosts in force, in basis points.", examples=[3500]
    )
    next_scan_at: Moment = Field(
        validation_alias=AliasPath("level", "next_scan_time"), description="When the level may be scanned next."
    )
    boosts: list[Boost] = Field(description="The boosts in force.")


class PlayerPosition(Schema):
    """A player and the position."""

    address: Address
    position: Position | None = Field(description="The position; null if there is none.")


class Positions(Page[ListedPosition]):
    """Some positions."""

    total: int | None = Field(None, description="The number of all, where `offset` was given.", examples=[74])


class PositionChange(OnLevel):
    """A change of a position."""

    action: Action = Field(description="What changed it.", examples=["stake_added"])
    amount_change: Wei = Field(description="The change of the stake, in wei.")
    penalty: Wei = Field(description="What a reset took of the stake, or a culling from what is returned, in wei.")
    rewards: Wei = Field(description="What was paid beside the stake, in wei.")
    new_total: Wei = Field(validation_alias="amount", description="The stake afterwards, in wei.")
    status: PositionStatus = Field(description="The position's status afterwards.", examples=["alive"])
    event_id: EventId | None = Field(
        description="The event that changed it; null where the chain has none.", examples=["4294967296"]
    )
    time: Moment = Field(validation_alias="block_time")
    block: Block = Field(validation_alias="block_number")
    tx: TxHash = Field(validation_alias="tx_hash")


class PositionHistory(Page[PositionChange]):
    """Some of a position's changes."""

    total: int | None = Field(None, description="The number of all, where `offset` was given.", examples=[74])


class RankedPosition(ListedPosition):
    """A position, by its place in the order of cullings."""

    rank: int = Field(description="The number of cullings until it is removed.", examples=[1])


class AtRisk(OnLevel):
    """The victims of a level's next cullings."""

    free_places: int = Field(description="How many more players can enter before the first culling.", examples=[12])
    order_known: bool = Field(
        description="False after something that no log shows: the order may be another then.", examples=[True]
    )
    items: list[RankedPosition] = Field(validation_alias="positions", description="The next victims in order.")
