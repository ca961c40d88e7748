"""Where the node's chain and ours last agree."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import Connection

from indexer.chain.blocks import Header
from indexer.chain.reconciler import Tip
from indexer.errors import GhostnetError

_STEP: Final = 32


class NoCommonAncestor(GhostnetError):
    """A reorg deeper than the headers that we remember."""

    help = (
        "Check that GHOSTNET_RPC_URLS points at the right chain. If it does, index into an empty database, and "
        "consider a larger GHOSTNET_HEADERS_KEPT."
    )


def find_common_ancestor(
    connection: Connection[Any], fetch_headers: Callable[[Sequence[int]], Sequence[Header | None]], tip: Tip
) -> int | None:
    """The highest block at or below the tip whose stored hash is the node's, asking for 32 headers at a time.

    None if the node contradicts nothing: one that lags behind does not know our newest blocks, which is no reorg.
    Raises NoCommonAncestor if the node contradicts all of the stored headers.
    """
    stored = connection.execute(
        "SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC", (tip.number,)
    )
    contradicted = False
    while batch := stored.fetchmany(_STEP):
        theirs = fetch_headers([number for number, _ in batch])
        for (number, block_hash), header in zip(batch, theirs, strict=True):
            if header is None:
                continue
            if header.hash == "0x" + bytes(block_hash).hex():
                return int(number) if contradicted else None
            contradicted = True
    if not contradicted:
        return None
    raise NoCommonAncestor(f"the node's chain shares none of the headers stored up to block {tip.number}")
