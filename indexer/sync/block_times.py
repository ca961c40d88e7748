"""Check that no block's time is before its parent's.

Rows are ordered by ids, but history, aggregates and rollbacks find their chunks by time.
"""

from indexer.chain.blocks import FetchedRange
from indexer.rules.errors import InvariantBroken


class BadBlockTime(InvariantBroken):
    """A block's time is before its parent's."""

    help = (
        "Nothing of these blocks is written: history, aggregates and rollbacks rely on times that never run back, as on"
        " any chain by Ethereum's rules. Every node was asked; put one that gives the blocks' own times into "
        "GHOSTNET_RPC_URLS."
    )


def check_times(fetched: FetchedRange, before: int) -> None:
    """Compare the times of those blocks of a range that are known, in order, `before` being that of the block before
    it (unix seconds); blocks may share a time. Raises BadBlockTime."""
    for number, header in sorted(fetched.headers.items()):
        if number < fetched.first:
            continue
        if header.timestamp < before:
            raise BadBlockTime(f"block {number}: its time, {header.timestamp}, is before its predecessor's, {before}")
        before = header.timestamp
