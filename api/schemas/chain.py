"""The chain: status and events."""

from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import Address, Moment, Page, TxHash


class Reorg(BaseModel):
    """The last reorg."""

    ancestor_block: int = Field(examples=[990])
    depth: int = Field(examples=[3])
    detected_at: Moment


class Status(BaseModel):
    """How far the indexer has come; `indexed_at` is the indexed block's time.

    `chain_head` is the node's last block when the indexed one was committed, and `lag` how many blocks were missing.
    """

    version: str = Field(examples=["0.1.0"])
    chain_id: int = Field(examples=[6343])
    start_block: int = Field(examples=[0])
    chain_head: int = Field(examples=[1008])
    lag: int = Field(examples=[1])
    indexed_block: int = Field(examples=[1007])
    indexed_block_hash: str = Field(examples=["0x" + "ab" * 32])
    indexed_at: Moment
    last_reorg: Reorg | None
    contracts: dict[str, Address] = Field(examples=[{"GhostCore": "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9"}])


class Event(BaseModel):
    """A decoded event; `id` is its place in the chain, amounts among `args` are decimal strings."""

    id: str = Field(examples=["4294967296"])
    contract: str = Field(examples=["GhostCore"])
    name: str = Field(examples=["JackedIn"])
    args: dict[str, Any] = Field(examples=[{"user": "0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d", "level": "4"}])
    time: Moment
    block: int = Field(examples=[512])
    tx: TxHash
    log_index: int = Field(examples=[3])


class Events(Page):
    """Some events."""

    items: list[Event]
