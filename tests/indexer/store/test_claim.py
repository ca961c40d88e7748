"""The claim to the tables: of two writers only the latest to claim can commit, and nothing of the other is written."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.base.errors import Retryable
from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, Hash
from indexer.maintenance.shadow import Shadow
from indexer.records.rows import ChainBlockRow
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.checkpoint import HEAD_CHANNEL
from indexer.store.claim import Claim, NotTheWriter
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.rollback import roll_back
from indexer.store.statements import Statement
from indexer.store.writer import Batch, Writer
from tests.filling import fill
from tests.indexer.store.building import deployed, index_blocks
from tests.indexing import following
from tests.processes import FENCE, await_begun, await_block, await_true
from tests.rows import fetch_one

NEXT = Header(2, Hash("0x" + "22" * 32), NO_HASH, 1_000)
"""A block after those of `deployed`."""


def write(claim: Claim) -> None:
    Writer(claim, 100).write(Batch({ChainBlockRow: []}, {}, [NEXT], chain_head=2))


def write_few(claim: Claim) -> None:
    Writer(claim, 100).write(Batch({}, {}, [NEXT], chain_head=2))


def undo(claim: Claim) -> None:
    roll_back(claim, 0)


def swap(claim: Claim) -> None:
    Shadow(claim, NEXT).swap([], [])


@pytest.fixture
def other(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """A second session on a database with two blocks."""
    index_blocks(deployed().blocks)
    with connect() as opened:
        yield opened


@pytest.mark.parametrize(
    "commit",
    [write, write_few, lambda claim: roll_back(claim, 0), swap],
    ids=["write", "write few", "roll_back", "swap"],
)
@pytest.mark.parametrize("lost", ["claimed", "moved"])
def test_who_lost_the_claim_commits_nothing(
    connection: Connection[Any], other: Connection[Any], commit: Callable[[Claim], None], lost: str
) -> None:
    claim = Claim(connection).take()
    if lost == "claimed":
        Claim(other).take()
    else:
        other.execute("UPDATE checkpoints SET block_number = block_number - 1")
    before = contents(other)
    with pytest.raises(NotTheWriter, match="at block 1, where this one left it") as caught:
        commit(claim)
    assert isinstance(caught.value, Retryable)
    assert contents(other) == before
    commit(Claim(connection).take())
    assert contents(other) != before


def contents(connection: Connection[Any]) -> list[Any]:
    return connection.execute("SELECT number, block_number, revision FROM blocks, checkpoints").fetchall()


def test_a_claim_waits_for_the_commit_at_hand(connection: Connection[Any], other: Connection[Any]) -> None:
    first, second = Claim(connection).take(), Claim(other)
    taking = threading.Thread(target=second.take)
    with first.transaction_to(NEXT, 2), connect() as watcher:
        taking.start()
        waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await_true(lambda: watcher.execute(waits).rowcount == 1, "the claim was taken during a commit")
    taking.join()
    assert second.block_number == 2
    with pytest.raises(NotTheWriter):
        write(first)


@pytest.mark.parametrize("commit", [write, write_few])
def test_who_lost_the_claim_collides_with_nothing(
    connection: Connection[Any], other: Connection[Any], commit: Callable[[Claim], None]
) -> None:
    """Though the other one has written the same block."""
    claim = Claim(connection).take()
    write(Claim(other).take())
    before = contents(other)
    with pytest.raises(NotTheWriter):
        commit(claim)
    assert contents(other) == before


def test_what_a_commit_announces_is_made_when_its_rows_are_on_their_way(
    connection: Connection[Any], other: Connection[Any]
) -> None:
    steps = []

    def rows() -> Iterator[Statement]:
        steps.append("rows")
        yield "SELECT 1", ()

    def payload() -> str:
        steps.append("payload")
        return "of two words"

    other.execute(f"LISTEN {HEAD_CHANNEL}")
    claim = Claim(connection).take()
    claim.begin_move(NEXT, 2, rows(), payload)
    claim.finish_move()
    (notification,) = other.notifies(timeout=5, stop_after=1)
    assert steps == ["rows", "payload"]
    assert notification.payload == f"2 {fetch_one(connection, 'SELECT revision FROM checkpoints')} of two words"


def test_what_can_t_be_announced_is_not_committed(connection: Connection[Any]) -> None:
    index_blocks(deployed().blocks)
    claim, before = Claim(connection).take(), contents(connection)
    with pytest.raises(ZeroDivisionError):
        claim.begin_move(NEXT, 2, [], lambda: str(1 // 0))
    assert contents(connection) == before
    write_few(claim)


def test_what_can_t_be_written_is_undone_as_a_whole(connection: Connection[Any]) -> None:
    index_blocks(deployed().blocks)
    claim, before = Claim(connection).take(), contents(connection)
    twice = Batch({}, {}, [NEXT, NEXT], chain_head=2)
    with pytest.raises(psycopg.errors.UniqueViolation):
        Writer(claim, 100).write(twice)
    assert contents(connection) == before
    write_few(claim)
    assert contents(connection) != before


def test_a_claim_in_advance_is_none(connection: Connection[Any], other: Connection[Any]) -> None:
    with pytest.raises(NotTheWriter):
        write(Claim(connection))


def test_an_indexer_that_lost_its_claim_takes_its_turn_again(
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Callable[[int], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As one does whose session ended without its knowing, and after whom another one worked."""
    fill(connection, 300)
    fence = fetch_one(connection, FENCE)
    with ReplayServer(season, ReplayOptions(head=300)) as node, following(node, truth.contracts):
        await_begun(connection, fence)
        Claim(connection).take()
        node.restore_recorded(310)
        await_block(connection, 310)
    assert "indexing was interrupted" in caplog.text
    assert "another process writes this chain's tables" in caplog.text
    assert state_digest(connection) == digest_at(310)
