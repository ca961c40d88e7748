"""The common ancestor: the highest block that the node's chain and the indexed chain share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.domain.chain import Header
from indexer.domain.units import Hash
from indexer.store.headers import stored_headers

_FIRST_PORTION: Final = 32
_LARGEST_PORTION: Final = 1_000

FetchHeaders = Callable[[Sequence[int]], Sequence[Header | None]]
"""The node's headers at some heights, None where it has no block."""


class NoCommonAncestor(GhostnetError):
    """The node's chain contradicts every stored header: the reorg is deeper than they reach."""

    help = (
        "Check that GHOSTNET_RPC_URLS points at the right chain. If it does, these tables can't be kept: index into an "
        "empty database, and consider a larger GHOSTNET_HEADERS_KEPT."
    )


class Divergence(NamedTuple):
    """The height of the common ancestor, and the node's hashes above it, oldest first, as far as they were fetched."""

    ancestor: int
    new_hashes: list[Hash]


def find_divergence(connection: Connection[Any], fetch_headers: FetchHeaders, tip: int, head: int) -> Divergence | None:
    """Compare the headers stored up to the tip with the node's, newest first, in portions of growing size.

    None if the node contradicts none of them: a node that lags behind lacks the newest blocks, which is no reorg. A
    node whose chain changes meanwhile does no harm: the ancestor was on it when its header was fetched, and the blocks
    that follow are checked against it. Raises NoCommonAncestor if the node contradicts all stored headers.
    """
    highest = min(tip, head)
    new_hashes: list[Hash] = []
    for portion in stored_headers(connection, highest, _growing_sizes()):
        fetched = fetch_headers([number for number, _ in portion])
        for (number, stored_hash), header in zip(portion, fetched, strict=True):
            if header is not None and header.hash == stored_hash:
                return Divergence(number, new_hashes[::-1]) if new_hashes else None
            if header is not None:
                new_hashes.append(header.hash)
    if not new_hashes:
        return None
    raise NoCommonAncestor(
        f"the node's chain shares none of the {len(new_hashes)} headers stored up to block {highest}"
    )


def _growing_sizes() -> Iterator[int]:
    size = _FIRST_PORTION
    while True:
        yield size
        size = min(2 * size, _LARGEST_PORTION)
