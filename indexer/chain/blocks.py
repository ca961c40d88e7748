"""Blocks as fetched: consistent in themselves, hex strings as the node sent them."""

from dataclasses import dataclass
from typing import NamedTuple

from indexer.chain.wire import WireHeader, WireLog


class Header(NamedTuple):
    """A block's header; timestamp in unix seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int


class FetchedTransaction(NamedTuple):
    """A successful transaction whose input the rules read."""

    hash: str
    tx_index: int
    sender: str
    to: str | None
    input: str


@dataclass(slots=True)
class FetchedBlock:
    """A block with the raw logs of our contracts, in log order."""

    header: Header
    transactions: list[FetchedTransaction]
    logs: list[WireLog]


@dataclass(slots=True)
class FetchedRange:
    """Consecutive blocks that are linked by their parent hashes."""

    blocks: list[FetchedBlock]
    log_count: int

    @property
    def last(self) -> Header:
        return self.blocks[-1].header


def parse_header(block: WireHeader) -> Header:
    """The header of a JSON-RPC block. Raises ValueError if its numbers are none."""
    return Header(int(block.number, 16), block.hash, block.parent_hash, int(block.timestamp, 16))
