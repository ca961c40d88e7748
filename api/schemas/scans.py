"""Scans and deaths."""

from typing import Self

from pydantic import Field

from api.schemas.base import Address, Block, Digits, LevelNumber, Moment, OnLevel, Page, Schema, TxHash, Wei
from indexer.base.times import utc_time
from indexer.domain.scans import ScanStep
from indexer.models import CurrentLevel


class Cascade(Schema):
    """The split of the stakes of a scan's dead, in wei."""

    same_level: Wei = Field(validation_alias="same_level_amount", description="To the level's survivors.")
    upstream: Wei = Field(validation_alias="upstream_amount", description="To the safer levels, as reported.")
    burn: Wei = Field(validation_alias="burn_amount", description="To be burned, as reported.")
    protocol: Wei = Field(validation_alias="protocol_amount", description="To the protocol.")
    burned: Wei = Field(description="What was burned in fact.")


class Scan(OnLevel):
    """A scan as it stands."""

    scan_id: int = Field(description="Scans are numbered from 1 over all levels.", examples=[12])
    level: LevelNumber
    state: ScanStep = Field(validation_alias="step", description="Its last step.", examples=["finalized"])
    seed: Digits = Field(description="The number that decides who is doomed.")
    executed_at: Moment = Field(description="When it began.")
    finalized_at: Moment = Field(description="When it ended; null until then.")
    batches: int = Field(description="How many batches of deaths were submitted.", examples=[2])
    death_count: int = Field(description="How many died.", examples=[4])
    total_dead: Wei = Field(description="The stakes of the dead, in wei.")
    survivor_count: int | None = Field(description="How many survived; null until it is finalized.", examples=[9])
    cascade: Cascade | None = Field(description="Where the stakes went; null until then, and if nobody died.")
    block: Block = Field(validation_alias="block_number", description="The block of its last step.")
    tx: TxHash = Field(validation_alias="tx_hash")


class Scans(Page[Scan]):
    """Some scans."""


class NextScan(OnLevel):
    """When a level may be scanned next."""

    next_scan_at: Moment = Field(description="When the scan may be executed.")
    seconds_remaining: int = Field(
        description="Seconds from the indexed block's time; 0 once the scan is due.", examples=[1200]
    )

    @classmethod
    def of_level(cls, row: CurrentLevel, now: int) -> Self:
        """The next scan of a level, seen from a time in unix seconds."""
        due = int(row.next_scan_time)
        return cls(level=row.level, next_scan_at=utc_time(due), seconds_remaining=max(0, due - now))


class Death(OnLevel):
    """A player who died."""

    address: Address
    level: LevelNumber
    scan_id: int = Field(description="The scan.", examples=[12])
    amount: Wei = Field(description="The stake that was lost, in wei.")
    streak: int = Field(description="Scans survived in a row before.", examples=[3])
    time: Moment = Field(validation_alias="block_time")
    block: Block = Field(validation_alias="block_number")
    tx: TxHash = Field(validation_alias="tx_hash")


class Deaths(Page[Death]):
    """Some deaths."""
