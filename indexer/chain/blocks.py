"""Fetched ranges of blocks: consistent in themselves, with hex strings as the node sent them."""

from dataclasses import dataclass, field
from typing import Final

from indexer.chain.errors import Misnumbered
from indexer.chain.rpc_types import WireHeader, WireLog
from indexer.domain.chain import Header, SilentChange, Transaction
from indexer.domain.state import ContractState
from indexer.domain.units import MAX_BLOCK, Hash, quantity

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
