"""The state of the index, and decoded events."""

from typing import Any

from pydantic import Field, field_validator

from api.schemas.base import Address, EventId, Moment, Page, Schema, TxHash
from indexer.selectors.addresses import shown


class Reorg(Schema):
    """The last reorg."""

    ancestor_block: int = Field(validation_alias="ancestor_number", examples=[990])
    depth: int = Field(examples=[3])
    detected_at: Moment


class Status(Schema):
    """The indexer's progress; `indexed_at` is the indexed block's time.

    `chain_head` is the node's last block as the indexer knew it last, at `indexer_seen_at` (null: never), and `lag` how
    many blocks are missing. `stalled`: nothing new comes, since the indexer is dead, paused or halted, or its node is
    behind.
    """

    version: str = Field(examples=["0.1.0"])
    chain_id: int = Field(examples=[6343])
    start_block: int = Field(examples=[0])
    chain_head: int = Field(examples=[1008])
    lag: int = Field(examples=[1])
    stalled: bool = Field(examples=[False])
    indexer_seen_at: Moment
    indexed_block: int = Field(examples=[1007])
    indexed_block_hash: str = Field(examples=["0x" + "ab" * 32])
    indexed_at: Moment
    last_reorg: Reorg | None
    contracts: dict[str, Address] = Field(examples=[{"GhostCore": "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9"}])


class Event(Schema):
    """A decoded event; `id` increases in chain order, amounts among `args` are decimal strings."""

    id: EventId = Field(examples=["4294967296"])
    contract: str = Field(examples=["GhostCore"])
    name: str = Field(examples=["JackedIn"])
    args: dict[str, Any] = Field(examples=[{"user": "0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d", "level": "4"}])
    time: Moment = Field(validation_alias="block_time")
    block: int = Field(validation_alias="block_number", examples=[512])
    tx: TxHash = Field(validation_alias="tx_hash")
    log_index: int = Field(examples=[3])

    @field_validator("args", mode="before")
    @classmethod
    def _checksummed(cls, args: dict[str, Any]) -> dict[str, Any]:
        return {name: shown(value) for name, value in args.items()}


class Events(Page):
    """Some events."""

    items: list[Event]
