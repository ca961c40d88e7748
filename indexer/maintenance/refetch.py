"""Fetch indexed blocks again, compare them with the archive, and roll back to before the first that differs."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.base.stopping import run_until_stopped
from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.proof import Proof
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Header
from indexer.domain.units import Address
from indexer.maintenance.comparing import BlockDifference, archived_items, differences, fetched_items
from indexer.records.rows import ARCHIVE
from indexer.store.checkpoint import StoredCheckpoint, check_indexed
from indexer.store.claim import exclusive_tables
from indexer.store.headers import newest_hash, store_header
from indexer.store.loader import Snapshot
from indexer.store.retention import check_whole
from indexer.store.rollback import Rollback, roll_back
from indexer.store.tables import tables

PORTION: Final = 100
"""Blocks that are fetched at once."""
PATIENCE_SECONDS: Final = 30.0

OnProgress = Callable[[int], None]
"""Called with the last block that was compared."""


class NothingBefore(GhostnetError):
    """The first indexed block differs, and there is no state before it to roll back to."""

    help = "Index into an empty database."


class ForkBeforeRange(GhostnetError):
    """The node is on another fork than the indexed chain before the first block that is compared."""

    help = (
        "Run index_chain: it follows a reorg down to the common ancestor by itself. If the fork is older than the"
        " headers that are kept, compare from an earlier block on."
    )


class ReversedRange(GhostnetError):
    """The last block of a range comes before its first one."""

    help = "Name the first block, then the last one."


@dataclass(frozen=True, slots=True)
class Refetched:
    """Blocks that were compared, those that differ in order, and the rollback to before them, if there was one."""

    first: int
    last: int
    differing: Sequence[BlockDifference]
    rollback: Rollback | None = None


def refetch(
    connection: Connection[Any],
    rpc_urls: Sequence[str],
    first: int,
    last: int | None,
    *,
    mend: bool,
    stop: threading.Event,
    on_progress: OnProgress,
) -> Refetched:
    """Compare the archived blocks `first` to `last` (None: the checkpoint) with a node's, by their hashes.

    With `mend` the tables are rolled back to before the first block that differs, so that the indexer indexes it and
    all that follow anew. Raises BlockNotIndexed, ReversedRange, HistoryRetired, NodeError, Interrupted once `stop` is
    set; with `mend` also IndexerAtWork, NothingBefore and ForkBeforeRange.
    """
    snapshot = Snapshot(connection)

    def fetch(start: int, end: int) -> FetchedRange:
        return run_until_stopped(_fetch(rpc_urls, snapshot.checkpoint, start, end), stop)

    if not mend:
        return _compare(snapshot, first, last, fetch, on_progress)
    with exclusive_tables(connection, snapshot.checkpoint.chain_id) as claim:
        found = _compare(Snapshot(connection), first, last, fetch, on_progress)
        if not found.differing:
            return found
        ancestor = found.differing[0].number - 1
        if ancestor < 0:
            raise NothingBefore("block 0 differs from the node's")
        before = fetch(ancestor, ancestor).last
        _check_same_chain(connection, before, lambda number: fetch(number, number).last)
        store_header(connection, before)
        return replace(found, rollback=roll_back(claim.take(), ancestor))


def _check_same_chain(connection: Connection[Any], before: Header, fetch: Callable[[int], Header]) -> None:
    """Raise ForkBeforeRange if the node has another block than the newest one with a known hash, up to the node's block
    `before`: the blocks indexed up to there would otherwise be left below blocks of another fork."""
    known = newest_hash(connection, before.number)
    if known is None:
        return
    number, ours = known
    theirs = before if number == before.number else fetch(number)
    if theirs.hash != ours:
        raise ForkBeforeRange(f"the node's block {number} is {theirs.hash}, ours is {ours}")


def _compare(
    snapshot: Snapshot, first: int, last: int | None, fetch: Callable[[int, int], FetchedRange], on_progress: OnProgress
) -> Refetched:
    checkpoint = snapshot.checkpoint
    last = checkpoint.block_number if last is None else last
    for number in (first, last):
        check_indexed(checkpoint, number)
    if last < first:
        raise ReversedRange(f"block {last} comes before block {first}: there is nothing to compare")
    archive = [tables()[row].name for row in ARCHIVE]
    time = Snapshot(snapshot.connection, first).timestamp()
    check_whole(snapshot.connection, archive, time, f"comparing block {first}")
    decoder = LogDecoder({name: Address(address) for name, address in checkpoint.contracts.items()})
    differing: list[BlockDifference] = []
    for start in range(first, last + 1, PORTION):
        end = min(last, start + PORTION - 1)
        theirs = fetched_items(decoder, fetch(start, end).blocks)
        differing += differences(archived_items(snapshot.connection, start, end), theirs)
        on_progress(end)
    return Refetched(first, last, differing)


async def _fetch(rpc_urls: Sequence[str], checkpoint: StoredCheckpoint, first: int, last: int) -> FetchedRange:
    async with NodeClient(rpc_urls, PATIENCE_SECONDS, Proof(checkpoint.chain_id)) as client:
        fetcher = RangeFetcher(client, checkpoint.contracts)
        return await fetcher.by_hash(await fetcher.linked_headers(first, last))
