"""A node whose head stays below what is indexed: it is reported, and compared at heights where both have blocks."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection

from indexer.chain import producer
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.digest import state_digest
from indexer.sync import node_behind
from tests.indexing import following
from tests.processes import await_block, await_true

Digest = Callable[[int], str]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment counts as a minute, and only the newest ten blocks are looked at otherwise."""
    monkeypatch.setattr(node_behind, "BEHIND_SECONDS", 0.3)
    monkeypatch.setattr(producer, "REMEMBERED", 10)


def test_an_older_head_is_an_alarm_until_the_node_has_caught_up(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=120)) as server,
        following(server, truth.contracts) as watchers,
    ):
        await_block(connection, 120)
        server.fork(90, 0)
        await_true(lambda: bool(alarms(connection)), "there was no alarm")
        (message,) = alarms(connection).values()
        assert message.startswith("the node's head is block 30, 90 below the last indexed one")
        server.restore_recorded(121)
        await_true(lambda: not alarms(connection), "the alarm was not cleared")
        await_block(connection, 121)
    assert state_digest(connection) == digest_at(121)
    assert watchers[0].rollbacks == []
    assert [kind for kind, _ in watchers[0].alarms] == [AlarmKind.NODE_BEHIND] * 2


def test_a_chain_that_began_anew_below_is_followed(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=120)) as server,
        following(server, truth.contracts) as watchers,
    ):
        await_block(connection, 120)
        server.fork(90, 20)
        await_true(lambda: checkpoint_is(connection, server, 50), "the new chain was not followed")
        server.restore_recorded(121)
        await_block(connection, 121)
        await_true(lambda: not alarms(connection), "the alarms were not cleared")
    assert state_digest(connection) == digest_at(121)
    assert watchers[0].rollbacks[0].ancestor == 30
    assert {kind for kind, _ in watchers[0].alarms} == {AlarmKind.NODE_BEHIND, AlarmKind.DEEP_REORG}


def checkpoint_is(connection: Connection[Any], server: ReplayServer, number: int) -> bool:
    row = connection.execute("SELECT block_number, '0x' || encode(block_hash, 'hex') FROM checkpoints").fetchone()
    return row == (number, server.chain.blocks[number].hash)
