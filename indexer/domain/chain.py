"""A decoded block: its header, its events, the calldata of deaths, and changes of state that left no log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from indexer.domain.events import DeathsProcessed
from indexer.domain.levels import LevelConfig
from indexer.domain.scans import Cascade
from indexer.domain.units import Address, Calldata, Hash


class DecodedLog(NamedTuple):
    """One decoded event with its id and transaction; `contract` is the emitter's name in the deployment."""

    event_id: int
    tx_index: int
    tx_hash: Hash
    contract: str
    event: Any


class Transaction(NamedTuple):
    """A transaction; `recipient` is None for a contract creation, `input` the calldata."""

    tx_index: int
    hash: Hash
    sender: Address
    recipient: Address | None
    input: Calldata


class Header(NamedTuple):
    """A block's header; timestamp in unix seconds, `logs_bloom` as the node sent it, empty where it is not known."""

    number: int
    hash: Hash
    parent_hash: Hash
    timestamp: int
    logs_bloom: str = ""


class ConfigChange(NamedTuple):
    """`GhostCore.updateLevelConfig`, which emits no event."""

    level: int
    config: LevelConfig


class Settlement(NamedTuple):
    """`GhostCore.claimRewards` with nothing pending: the reset penalty is settled, no event is emitted (rule 9)."""

    user: Address


class SilentChange(NamedTuple):
    """A silent change, one of the contracts' state without a log, and its place in the block.

    `tx_index` is the transaction before whose logs it is applied, None for the end of the block; `tx_hash` the
    transaction that made it, NO_HASH where nothing shows which one did.
    """

    tx_index: int | None
    tx_hash: Hash
    change: ConfigChange | Settlement


@dataclass(slots=True)
class Block:
    """A block with its decoded logs in log order; silent changes in the order in which they are applied."""

    header: Header
    logs: list[DecodedLog] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    silent_changes: list[SilentChange] = field(default_factory=list)


@dataclass(slots=True)
class TransactionContext:
    """State that the handlers of one transaction's logs share; it begins anew with each transaction.

    `input` is the transaction's calldata, None if it was not fetched. `claims` are the event ids of Transfers that pay
    out `claimRewards` (rule 9). `deaths` is a DeathsProcessed whose DeathsSubmitted has not come yet (rule 12).
    `used_death_lists` are the offsets in `input` of the lists that served an earlier batch of deaths. `cascades` and
    `survivors`, by level, are for the ScanFinalized that follows (rule 16).
    """

    input: Calldata | None = None
    claims: frozenset[int] = frozenset()
    deaths: DeathsProcessed | None = None
    used_death_lists: frozenset[int] = frozenset()
    cascades: Mapping[int, Cascade] | None = None
    survivors: Mapping[int, int] | None = None
