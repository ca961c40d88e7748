"""Positions, and who is at risk."""

from pydantic import BaseModel, Field

from api.schemas.base import Address, LevelName, Moment, Page, TxHash, Wei


class Boost(BaseModel):
    """A boost in force; `expires_at` null for one without end."""

    type: str = Field(examples=["DEATH_REDUCTION"])
    value_bps: int = Field(examples=[500])
    expires_at: Moment


class Position(BaseModel):
    """A player's position; `effective_amount` is what a pending reset penalty leaves of `amount`."""

    address: Address
    level: LevelName
    status: str = Field(examples=["alive"])
    amount: Wei
    effective_amount: Wei
    pending_rewards: Wei
    ghost_streak: int = Field(examples=[3])
    effective_death_rate_bps: int = Field(examples=[3500])
    entered_at: Moment
    last_add_at: Moment
    next_scan_at: Moment
    boosts: list[Boost]
    changed_at: Moment


class PlayerPosition(BaseModel):
    """A player and the position, null if there is none."""

    address: Address
    position: Position | None


class ListedPosition(BaseModel):
    """A position in a list."""

    address: Address
    level: int = Field(examples=[4])
    status: str = Field(examples=["alive"])
    amount: Wei
    effective_amount: Wei
    ghost_streak: int = Field(examples=[3])
    entered_at: Moment
    last_add_at: Moment
    changed_at: Moment


class Positions(Page):
    """Some positions; `total` where `offset` was given."""

    items: list[ListedPosition]
    total: int | None = Field(None, examples=[74])


class PositionChange(BaseModel):
    """A change of a position; `event_id` null where the chain has no event for it."""

    action: str = Field(examples=["stake_added"])
    amount_change: Wei
    penalty: Wei
    rewards: Wei
    new_total: Wei
    level: int = Field(examples=[4])
    status: str = Field(examples=["alive"])
    event_id: str | None = Field(examples=["4294967296"])
    time: Moment
    block: int = Field(examples=[512])
    tx: TxHash


class PositionHistory(Page):
    """Some of a position's changes; `total` where `offset` was given."""

    items: list[PositionChange]
    total: int | None = Field(None, examples=[74])


class RankedPosition(ListedPosition):
    """A position, and how many cullings until it is taken."""

    rank: int = Field(examples=[1])


class AtRisk(BaseModel):
    """Who a level's next cullings would take; none is before `free_places` more players have entered.

    `order_known` is false after something that no log tells of: the order may be another then.
    """

    level: LevelName
    free_places: int = Field(examples=[12])
    order_known: bool = Field(examples=[True])
    items: list[RankedPosition]
