"""Scans and deaths."""

from typing import Self

from pydantic import Field

from api.schemas.base import Address, Level, LevelName, Moment, Page, Schema, TxHash, Wei
from indexer.base.times import utc_time
from indexer.models import CurrentLevel


class Cascade(Schema):
    """The split of the stakes of a scan's dead; `burned` is what was burned in fact."""

    same_level: Wei = Field(validation_alias="same_level_amount")
    upstream: Wei = Field(validation_alias="upstream_amount")
    burn: Wei = Field(validation_alias="burn_amount")
    protocol: Wei = Field(validation_alias="protocol_amount")
    burned: Wei


class Scan(Schema):
    """A scan; `state` is executed, deaths_submitted or finalized."""

    scan_id: int = Field(examples=[12])
    level: Level
    state: str = Field(validation_alias="step", examples=["finalized"])
    seed: Wei
    executed_at: Moment
    finalized_at: Moment
    batches: int = Field(examples=[2])
    death_count: int = Field(examples=[4])
    total_dead: Wei
    survivor_count: int | None = Field(examples=[9])
    cascade: Cascade | None
    block: int = Field(validation_alias="block_number", examples=[512])
    tx: TxHash = Field(validation_alias="tx_hash")


class Scans(Page):
    """Some scans."""

    items: list[Scan]


class NextScan(Schema):
    """When a level may be scanned next."""

    level: Level
    next_scan_at: Moment
    seconds_remaining: int = Field(examples=[1200])

    @classmethod
    def of_level(cls, row: CurrentLevel, now: int) -> Self:
        """The next scan of a level, seen from a time in unix seconds."""
        due = int(row.next_scan_time)
        return cls(level=LevelName.of(row.level), next_scan_at=utc_time(due), seconds_remaining=max(0, due - now))


class Death(Schema):
    """A player who died, with the stake and the streak that it ended."""

    address: Address
    level: int = Field(examples=[4])
    scan_id: int = Field(examples=[12])
    amount: Wei
    streak: int = Field(examples=[3])
    time: Moment = Field(validation_alias="block_time")
    block: int = Field(validation_alias="block_number", examples=[512])
    tx: TxHash = Field(validation_alias="tx_hash")


class Deaths(Page):
    """Some deaths."""

    items: list[Death]
