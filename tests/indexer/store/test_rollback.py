"""A rollback restores the tables to what they were after the common ancestor."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.claim import Claim
from indexer.store.digest import state_digest
from indexer.store.rollback import roll_back
from tests.databases import Databases
from tests.filling import fill
from tests.indexing import index
from tests.processes import checkpoint
from tests.rows import fetch_one


def test_rolling_back_leaves_what_the_shorter_chain_left(
    connection: Connection[Any], season: list[RecordedBlock], truth: Any
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=520)
        wanted = {block: state_digest(connection, block) for block in (474, 500)}
        for ancestor in (500, 474):
            rollback = roll_back(Claim(connection).take(), ancestor)
            assert rollback.rows_undone > 0
            assert state_digest(connection) == wanted[ancestor]
        index(server, truth.contracts, to_block=500)
    assert state_digest(connection) == wanted[500]
    reorgs = connection.execute("SELECT ancestor_number, dropped_head, depth FROM reorgs ORDER BY id").fetchall()
    assert reorgs == [(500, 520, 20), (474, 500, 26)]


def test_rolling_back_to_before_block_0_leaves_nothing(
    connection: Connection[Any], season: list[RecordedBlock], truth: Any, digest_at: Any
) -> None:
    fill(connection, 300)
    assert roll_back(Claim(connection).take(), -1).rows_undone > 0
    assert checkpoint(connection) == -1
    assert fetch_one(connection, "SELECT count(*) FROM chain_events") == 0
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=300)
    assert state_digest(connection) == digest_at(300)


def test_a_rollback_that_fails_changes_nothing(connection: Connection[Any], databases: Databases) -> None:
    databases.spoiled = True
    fill(connection, 300)
    before = state_digest(connection)
    connection.execute("ALTER TABLE reorgs ADD CONSTRAINT no_reorgs CHECK (false)")
    with pytest.raises(psycopg.errors.CheckViolation):
        roll_back(Claim(connection).take(), 280)
    assert state_digest(connection) == before
