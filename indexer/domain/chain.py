"""A block as the game sees it: decoded logs and the transactions whose calldata tells what no log does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from indexer.domain.events import DeathsProcessed
from indexer.domain.scans import Cascade
from indexer.domain.units import Address, Calldata, Hash


class DecodedLog(NamedTuple):
    """One event and its place; `contract` is the name in the deployment (`GhostCore`)."""

    event_id: int
    tx_index: int
    tx_hash: Hash
    contract: str
    event: Any


class Transaction(NamedTuple):
    """A successful transaction whose input matters to the rules."""

    tx_index: int
    hash: Hash
    sender: Address
    recipient: Address | None
    input: Calldata


class Header(NamedTuple):
    """A block's header; timestamp in unix seconds."""

    number: int
    hash: Hash
    parent_hash: Hash
    timestamp: int


@dataclass(slots=True)
class Block:
    """A block with its decoded logs in log order."""

    header: Header
    logs: list[DecodedLog] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)


@dataclass(slots=True)
class TransactionContext:
    """What the handlers of one transaction's logs tell each other.

    `claims` are the event ids of Transfers that pay out `claimRewards`; `deaths` is a DeathsProcessed that waits for
    its DeathsSubmitted; `cascades` and `survivors` wait, by level, for their ScanFinalized.
    """

    input: Calldata | None = None
    claims: frozenset[int] = frozenset()
    deaths: DeathsProcessed | None = None
    used_death_lists: frozenset[int] = frozenset()
    cascades: Mapping[int, Cascade] | None = None
    survivors: Mapping[int, int] | None = None
