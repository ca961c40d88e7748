"""Where the node's chain and ours last agree."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection

from indexer.domain.chain import Header
from indexer.domain.units import Hash, to_hex
from indexer.errors import GhostnetError

_FIRST_LOOK: Final = 32
_LARGEST_LOOK: Final = 1_000

FetchHeaders = Callable[[Sequence[int]], Sequence[Header | None]]
"""The node's headers at some heights, None where it has no block."""


class NoCommonAncestor(GhostnetError):
    """A reorg deeper than the headers that we remember."""

    help = (
        "Check that GHOSTNET_RPC_URLS points at the right chain. If it does, nothing here can be kept: index into an "
        "empty database, and consider a larger GHOSTNET_HEADERS_KEPT."
    )


class Divergence(NamedTuple):
    """The highest block that both chains share, and the node's hashes above it, oldest first, as far as asked for."""

    ancestor: int
    new_hashes: list[Hash]


def find_divergence(connection: Connection[Any], fetch_headers: FetchHeaders, tip: int, head: int) -> Divergence | None:
    """Compare the headers stored up to the tip with the node's, newest first, in ever larger steps.

    None if the node contradicts none of them: one that lags behind does not know our newest blocks, which is no reorg.
    A node that changes its mind meanwhile does no harm: what it said of the ancestor was true when it was asked, and
    whatever follows is checked against it. Raises NoCommonAncestor if the node contradicts all stored headers.
    """
    with connection.cursor() as stored:
        stored.execute("SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC", (min(tip, head),))
        new_hashes: list[Hash] = []
        look = _FIRST_LOOK
        while batch := stored.fetchmany(look):
            theirs = fetch_headers([number for number, _ in batch])
            for (number, our_hash), header in zip(batch, theirs, strict=True):
                if header is not None and header.hash == to_hex(our_hash):
                    return Divergence(int(number), new_hashes[::-1]) if new_hashes else None
                if header is not None:
                    new_hashes.append(header.hash)
            look = min(2 * look, _LARGEST_LOOK)
    if not new_hashes:
        return None
    raise NoCommonAncestor(
        f"the node's chain shares none of the {len(new_hashes)} headers stored up to block {min(tip, head)}"
    )
