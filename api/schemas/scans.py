"""Scans and deaths."""

from pydantic import BaseModel, Field

from api.schemas.base import Address, LevelName, Moment, Page, TxHash, Wei


class Cascade(BaseModel):
    """How the stakes of a scan's dead were split; `burned` is what really was."""

    same_level: Wei
    upstream: Wei
    burn: Wei
    protocol: Wei
    burned: Wei


class Scan(BaseModel):
    """A scan; `state` is executed, deaths_submitted or finalized."""

    scan_id: int = Field(examples=[12])
    level: LevelName
    state: str = Field(examples=["finalized"])
    seed: Wei
    executed_at: Moment
    finalized_at: Moment
    batches: int = Field(examples=[2])
    death_count: int = Field(examples=[4])
    total_dead: Wei
    survivor_count: int | None = Field(examples=[9])
    cascade: Cascade | None
    block: int = Field(examples=[512])
    tx: TxHash


class Scans(Page):
    """Some scans."""

    items: list[Scan]


class NextScan(BaseModel):
    """When a level may be scanned next."""

    level: LevelName
    next_scan_at: Moment
    seconds_remaining: int = Field(examples=[1200])


class Death(BaseModel):
    """A player who died, with the stake and the streak that it ended."""

    address: Address
    level: int = Field(examples=[4])
    scan_id: int = Field(examples=[12])
    amount: Wei
    streak: int = Field(examples=[3])
    time: Moment
    block: int = Field(examples=[512])
    tx: TxHash


class Deaths(Page):
    """Some deaths."""

    items: list[Death]
