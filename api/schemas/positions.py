"""Positions, their changes, and the next victims of cullings."""

from pydantic import AliasPath, Field

from api.schemas.base import Address, EventId, Level, Moment, Page, Schema, TxHash, Wei


class Boost(Schema):
    """A boost in force; `expires_at` null for one without end."""

    type: str = Field(validation_alias="type_name", examples=["DEATH_REDUCTION"])
    value_bps: int = Field(examples=[500])
    expires_at: Moment = Field(validation_alias="expiry")


class Position(Schema):
    """A player's position; `effective_amount` is what a pending reset penalty leaves of `amount`."""

    address: Address = Field(validation_alias=AliasPath("position", "address"))
    level: Level = Field(validation_alias=AliasPath("position", "level"))
    status: str = Field(validation_alias=AliasPath("position", "status"), examples=["alive"])
    amount: Wei = Field(validation_alias=AliasPath("position", "amount"))
    effective_amount: Wei
    pending_rewards: Wei
    ghost_streak: int = Field(examples=[3])
    effective_death_rate_bps: int = Field(examples=[3500])
    entered_at: Moment = Field(validation_alias=AliasPath("position", "entry_time"))
    last_add_at: Moment = Field(validation_alias=AliasPath("position", "last_add_time"))
    next_scan_at: Moment = Field(validation_alias=AliasPath("level", "next_scan_time"))
    boosts: list[Boost]
    changed_at: Moment


class PlayerPosition(Schema):
    """A player and the position, null if there is none."""

    address: Address
    position: Position | None


class ListedPosition(Schema):
    """A position in a list."""

    address: Address = Field(validation_alias=AliasPath("position", "address"))
    level: int = Field(validation_alias=AliasPath("position", "level"), examples=[4])
    status: str = Field(validation_alias=AliasPath("position", "status"), examples=["alive"])
    amount: Wei = Field(validation_alias=AliasPath("position", "amount"))
    effective_amount: Wei
    ghost_streak: int = Field(examples=[3])
    entered_at: Moment = Field(validation_alias=AliasPath("position", "entry_time"))
    last_add_at: Moment = Field(validation_alias=AliasPath("position", "last_add_time"))
    changed_at: Moment


class Positions(Page):
    """Some positions; `total` where `offset` was given."""

    items: list[ListedPosition]
    total: int | None = Field(None, examples=[74])


class PositionChange(Schema):
    """A change of a position; `event_id` null where the chain has no event for it."""

    action: str = Field(examples=["stake_added"])
    amount_change: Wei
    penalty: Wei
    rewards: Wei
    new_total: Wei = Field(validation_alias="amount")
    level: int = Field(examples=[4])
    status: str = Field(examples=["alive"])
    event_id: EventId | None = Field(examples=["4294967296"])
    time: Moment = Field(validation_alias="block_time")
    block: int = Field(validation_alias="block_number", examples=[512])
    tx: TxHash = Field(validation_alias="tx_hash")


class PositionHistory(Page):
    """Some of a position's changes; `total` where `offset` was given."""

    items: list[PositionChange]
    total: int | None = Field(None, examples=[74])


class RankedPosition(ListedPosition):
    """A position, and the number of cullings until it is removed."""

    rank: int = Field(examples=[1])


class AtRisk(Schema):
    """The victims of a level's next cullings; none happens before `free_places` more players have entered.

    `order_known` is false after something that no log shows: the order may be another then.
    """

    level: Level
    free_places: int = Field(examples=[12])
    order_known: bool = Field(examples=[True])
    items: list[RankedPosition] = Field(validation_alias="positions")
