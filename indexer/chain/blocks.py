"""Blocks as fetched: consistent in themselves, hex strings as the node sent them."""

from dataclasses import dataclass

from indexer.chain.wire import WireHeader, WireLog
from indexer.domain.chain import Header, Transaction
from indexer.domain.units import Hash


@dataclass(slots=True)
class FetchedBlock:
    """A block with the raw logs of our contracts, in log order."""

    header: Header
    transactions: list[Transaction]
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
    return Header(int(block.number, 16), Hash(block.hash), Hash(block.parent_hash), int(block.timestamp, 16))
