"""Fetched ranges of blocks: consistent in themselves, with hex strings as the node sent them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from indexer.chain.errors import Inconsistent, Misnumbered
from indexer.chain.rpc_types import WireHeader, WireLog, WireTransaction
from indexer.domain.chain import Header, SilentChange, Transaction
from indexer.domain.state import ContractState
from indexer.domain.units import MAX_BLOCK, Address, Calldata, Hash, quantity

MAX_TIME: Final = 1 << 36
"""In unix seconds: a thousand years and more from now, and less than the milliseconds of any block."""
LOG_BYTES: Final = 1_100
HEADER_BYTES: Final = 1_000
"""The approximate memory of a log and a header."""


@dataclass(slots=True)
class FetchedBlock:
    """A block with the raw logs of our contracts, in log order, and the calldata of deaths.

    `silent_changes` are those that its own transactions prove: known only where blocks are fetched in full. `hinting`
    are the successful transactions, in order, that may have changed something in silence: where they were asked for.
    """

    header: Header
    transactions: list[Transaction] = field(default_factory=list)
    logs: list[WireLog] = field(default_factory=list)
    silent_changes: list[SilentChange] = field(default_factory=list)
    hinting: list[Transaction] = field(default_factory=list)


@dataclass(slots=True)
class FetchedRange:
    """Consecutive blocks `first` to `last.number`; `blocks` are those with logs of our contracts or relevant calldata.

    `parent_hash` is the hash of the block before the first. `state` is what the contracts' views returned after the
    last block, None if it was not fetched. `blocks_to_check` are blocks inside the range after which the views are to
    be read as well, since their transactions hint at a silent change.
    """

    first: int
    parent_hash: Hash
    last: Header
    blocks: list[FetchedBlock]
    headers: dict[int, Header] = field(default_factory=dict)
    """By number those headers that are known, the last one among them."""
    state: ContractState | None = None
    blocks_to_check: list[int] = field(default_factory=list)

    @property
    def first_hash(self) -> Hash | None:
        """The hash of the first block, where it is known."""
        header = self.headers.get(self.first)
        return header.hash if header is not None else None

    def block(self, number: int) -> FetchedBlock | None:
        """The block with this number, of `blocks`."""
        return next((block for block in self.blocks if block.header.number == number), None)

    def between(self, after: int, last: int) -> list[FetchedBlock]:
        """Those blocks above `after` and up to `last`."""
        return [block for block in self.blocks if after < block.header.number <= last]

    def append(self, following: "FetchedRange") -> None:
        """Make the range that follows a part of this one. Raises Inconsistent if it is of another fork."""
        if following.parent_hash != self.last.hash:
            raise Inconsistent(f"block {following.first} is not the child of the block before it")
        self.last, self.state = following.last, following.state
        self.blocks += following.blocks
        self.headers |= following.headers
        self.blocks_to_check += following.blocks_to_check

    @property
    def log_count(self) -> int:
        return sum(len(block.logs) for block in self.blocks)

    @property
    def memory(self) -> int:
        """The approximate number of bytes that the range takes in memory."""
        return HEADER_BYTES * len(self.headers) + LOG_BYTES * self.log_count

    @property
    def size(self) -> int:
        """The number of blocks."""
        return self.last.number - self.first + 1


def parse_header(block: WireHeader) -> Header:
    """The header of a JSON-RPC block. Raises ValueError if its numbers are none, or beyond what a chain can have, and
    Misnumbered if its time can't be one in seconds."""
    number, timestamp = quantity(block.number), quantity(block.timestamp)
    if not 0 <= number <= MAX_BLOCK:
        raise ValueError(f"{number} can't be a block's number")
    if not 0 <= timestamp <= MAX_TIME:
        raise Misnumbered(f"{timestamp} can't be block {number}'s time in seconds")
    return Header(number, Hash(block.hash), Hash(block.parent_hash), timestamp, block.logs_bloom or "")


def linked(numbers: Sequence[int], headers: Sequence[Header | None]) -> list[Header]:
    """The headers. Raises Inconsistent unless they have these numbers and each is the child of the one before it."""
    found: list[Header] = []
    for number, header in zip(numbers, headers, strict=True):
        if header is None:
            raise Inconsistent(f"the node does not know block {number}")
        if header.number != number or not header.hash:
            raise Inconsistent(f"asked for block {number}, got {header.number} ({header.hash})")
        if found and header.parent_hash != found[-1].hash:
            raise Inconsistent(f"block {number} is not the child of the block {number - 1} in the same answer")
        found.append(header)
    return found


def parse_transaction(transaction: WireTransaction) -> Transaction:
    """Convert a transaction for the rules. Raises ValueError if its index is not a number, its calldata no bytes."""
    if len(transaction.input) % 2:
        raise ValueError(f"the calldata of {transaction.hash} ends amid a byte")
    return Transaction(
        quantity(transaction.index),
        Hash(transaction.hash),
        Address(transaction.sender),
        Address(transaction.to) if transaction.to else None,
        Calldata(transaction.input),
    )
