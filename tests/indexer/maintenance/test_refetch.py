"""Refetching blocks by hand: they are compared with the archive, and indexed again where they differ."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.domain.units import first_id
from indexer.maintenance.refetch import ForkBeforeRange, ReversedRange
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.checkpoint import BlockNotIndexed
from indexer.store.claim import IndexerAtWork
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.lock import indexer_lock
from tests.filling import fill
from tests.incomplete_node import IncompleteNode
from tests.indexer.maintenance.refetching import run_refetch
from tests.indexing import index
from tests.processes import checkpoint, run_command
from tests.rows import fetch_one

Digest = Callable[[int], str]

LEFT_OUT: Final = 213
"""A block of the season with a taxed transfer alone: no rule breaks without it."""


@pytest.fixture
def indexed(connection: Connection[Any], season: list[RecordedBlock], truth: Truth) -> Connection[Any]:
    """The season up to block 260, one block's logs left out."""
    fill(connection, LEFT_OUT - 1)
    with IncompleteNode(season, ReplayOptions(head=300)) as server:
        server.left_out, server.times, server.blind = LEFT_OUT, 1_000, True
        index(server, truth.contracts, to_block=260)
    return connection


@pytest.fixture
def node(season: list[RecordedBlock]) -> Iterator[ReplayServer]:
    with ReplayServer(season, ReplayOptions(head=300)) as server:
        yield server


def test_the_block_is_named_and_everything_from_it_on_is_indexed_anew(
    indexed: Connection[Any], node: ReplayServer, truth: Truth, digest_at: Digest
) -> None:
    (difference,) = run_refetch(indexed, node, 100).differing
    assert str(difference).startswith(f"block {LEFT_OUT}: 6 not in the archive (header, log 0 Transfer, log 1 Transfer")
    assert checkpoint(indexed) == 260
    assert state_digest(indexed) != digest_at(260)
    assert run_refetch(indexed, node, 0, LEFT_OUT - 1, mend=True).rollback is None
    assert run_refetch(indexed, node, LEFT_OUT + 1).differing == []
    rollback = run_refetch(indexed, node, 150, mend=True).rollback
    assert rollback is not None
    assert (rollback.ancestor, rollback.depth) == (LEFT_OUT - 1, 260 - LEFT_OUT + 1)
    index(node, truth.contracts)
    assert state_digest(indexed) == digest_at(300)
    assert run_refetch(indexed, node, 0).differing == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (f"DELETE FROM chain_events WHERE id = {first_id(LEFT_OUT + 1)}", "1 not in the archive (log 0 Transfer)"),
        (
            f'UPDATE chain_events SET args = args || \'{{"value": "1"}}\' WHERE id = {first_id(LEFT_OUT + 1)}',
            "1 not in the archive (log 0 Transfer); 1 not in the node's answer (log 0 Transfer)",
        ),
        (f"UPDATE chain_blocks SET hash = decode(repeat('ab', 32), 'hex') WHERE id = {first_id(LEFT_OUT + 1)}", "head"),
    ],
    ids=["a log", "an argument", "a hash"],
)
def test_whatever_differs_is_found(indexed: Connection[Any], node: ReplayServer, change: str, named: str) -> None:
    assert indexed.execute(change).rowcount == 1
    (difference,) = run_refetch(indexed, node, LEFT_OUT + 1).differing
    assert str(difference).startswith(f"block {LEFT_OUT + 1}: ")
    assert named in str(difference)


def test_nothing_is_undone_while_an_indexer_works_nor_beyond_what_is_indexed(
    indexed: Connection[Any], node: ReplayServer
) -> None:
    with pytest.raises(BlockNotIndexed):
        run_refetch(indexed, node, 200, 261)
    with connect() as other:
        assert indexer_lock(6343).try_acquire(other)
        with pytest.raises(IndexerAtWork):
            run_refetch(indexed, node, 200, mend=True)
        assert len(run_refetch(indexed, node, 200).differing) == 1
    assert fetch_one(indexed, "SELECT count(*) FROM reorgs") == 0


def test_what_was_indexed_is_not_left_below_another_fork(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    """Also where the headers are not stored any more: by the hashes of the archive."""
    fill(connection, 260)
    connection.execute("DELETE FROM blocks WHERE number < 250")
    with ReplayServer(season, ReplayOptions(head=260)) as node:
        node.reorg(100)
        with pytest.raises(ForkBeforeRange, match="ours is"):
            run_refetch(connection, node, 200, mend=True)
    assert checkpoint(connection) == 260
    assert state_digest(connection) == digest_at(260)


def test_a_range_whose_end_comes_first_is_refused(indexed: Connection[Any], node: ReplayServer) -> None:
    with pytest.raises(ReversedRange, match="block 100 comes before block 250"):
        run_refetch(indexed, node, 250, 100)


def test_the_command_reports_and_mends(database: str, indexed: Connection[Any], node: ReplayServer) -> None:
    checked = run_command(database, node.url, "refetch_blocks", "200", "220", "--check")
    assert checked.returncode == 1
    assert f"block {LEFT_OUT}: 6 not in the archive" in checked.stdout
    assert "blocks 200 to 220: 1 differ" in checked.stdout
    assert "nothing was changed" in checked.stderr
    mended = run_command(database, node.url, "refetch_blocks", "200")
    assert mended.returncode == 0
    assert f"rolled back to block {LEFT_OUT - 1} (48 blocks, " in mended.stdout
    assert checkpoint(indexed) == LEFT_OUT - 1
