"""The state of the index, and decoded events."""

from typing import Any

from pydantic import AliasPath, Field, field_validator

from api.schemas.base import Address, Block, EventId, Moment, Page, Schema, TxHash
from indexer.selectors.arguments import shown_arguments


class Reorg(Schema):
    """A reorg."""

    ancestor_block: int = Field(
        validation_alias="ancestor_number", description="The last block that stayed.", examples=[990]
    )
    depth: int = Field(description="How many blocks were replaced.", examples=[3])
    detected_at: Moment = Field(description="When the indexer saw it, by our clock.")


class Status(Schema):
    """The indexer's progress."""

    version: str = Field(description="The indexer's version.", examples=["0.1.0"])
    chain_id: int = Field(description="The chain's id.", examples=[6343])
    start_block: int = Field(description="The first indexed block.", examples=[0])
    chain_head: int = Field(
        description="The node's last block, as of the indexer's last heartbeat or commit.", examples=[1008]
    )
    lag: int = Field(description="How many blocks are missing up to it.", examples=[1])
    stalled: bool = Field(
        description="Nothing new comes: the indexer is dead, paused or halted, or its node is behind.",
        examples=[False],
    )
    indexer_seen_at: Moment = Field(description="When the indexer was last seen at work; null for never.")
    indexed_block: int = Field(description="The last indexed block.", examples=[1007])
    indexed_block_hash: str = Field(description="Its hash.", examples=["0x" + "ab" * 32])
    indexed_at: Moment = Field(description="Its time.")
    last_reorg: Reorg | None = Field(description="The last reorg; null if there was none.")
    contracts: dict[str, Address] = Field(
        description="The contracts' addresses by name.",
        examples=[{"GhostCore": "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9"}],
    )


class Event(Schema):
    """A decoded event."""

    id: EventId
    contract: str = Field(description="The contract's name.", examples=["GhostCore"])
    name: str = Field(description="The event's name.", examples=["JackedIn"])
    args: dict[str, Any] = Field(
        description="Its arguments, as in the frames of `/ws`.",
        examples=[
            {"user": "0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d", "amount": "5", "level": 4, "level_name": "DARKNET"}
        ],
    )
    time: Moment = Field(validation_alias="block_time")
    block: Block = Field(validation_alias="block_number")
    tx: TxHash = Field(validation_alias="tx_hash")
    log_index: int = Field(description="The log's place in its block.", examples=[3])

    @field_validator("args", mode="before")
    @classmethod
    def _shown(cls, args: dict[str, Any]) -> dict[str, Any]:
        return shown_arguments(args)


class Events(Page[Event]):
    """Some events."""


class BlockEvents(Schema):
    """What the game did in a block."""

    block: Block
    hash: str | None = Field(
        description="The block's hash; null for an old block without anything of the game.",
        examples=["0x" + "ab" * 32],
    )
    time: Moment = Field(
        validation_alias="timestamp",
        description="The block's time; null for an old block without anything of the game.",
    )
    events: list[Event] = Field(description="Its events, in order.")


class TransactionEvents(Schema):
    """What the game did in a transaction."""

    tx: TxHash
    block: Block = Field(validation_alias=AliasPath("within", "block"))
    block_hash: str | None = Field(
        validation_alias=AliasPath("within", "hash"), description="The block's hash.", examples=["0x" + "ab" * 32]
    )
    time: Moment = Field(validation_alias=AliasPath("within", "timestamp"), description="The block's time.")
    sender: Address | None = Field(
        description="Who sent it; null where its calldata was not kept.",
        examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"],
    )
    events: list[Event] = Field(
        description="Its events, in order; none where it changed the game without one, as by settling a penalty."
    )
