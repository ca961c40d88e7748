"""A second node, when the first one is away: it is used only if it serves the indexed chain."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection

from indexer.chain.errors import WrongChain
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind
from indexer.store.checkpoint import read_checkpoint
from indexer.store.digest import state_digest
from tests.indexing import Watcher, following, index
from tests.processes import await_tip

HEAD = 200
Digest = Callable[[int], str]


class FailingServer(ReplayServer):
    """A node that answers with 502 as long as a condition holds."""

    fails: Callable[[], bool] = staticmethod(lambda: False)

    def _answer(self, body: bytes, socket: Any) -> bytes:
        if self.fails():
            return b"<html>Bad gateway</html>"
        return super()._answer(body, socket)


class StrangeServer(ReplayServer):
    """A node of another chain."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        return b'"0x10e6"' if method == "eth_chainId" else super()._result(method, params, socket)


class TurningServer(ReplayServer):
    """A node behind whose address another one, of another chain, can answer from some moment on."""

    has_turned = False

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        is_asked = method == "eth_chainId" and self.has_turned
        return b'"0x10e6"' if is_asked else super()._result(method, params, socket)


def test_a_recent_fork_under_another_chain_id_behind_the_same_address_is_not_followed(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    stop = threading.Event()
    with TurningServer(season, ReplayOptions(head=HEAD)) as server, ThreadPoolExecutor(1) as pool:
        try:
            indexing = pool.submit(index, server, truth.contracts, stop=stop, until_head=False)
            await_tip(connection, season[HEAD].hash)
            server.has_turned = True
            server.fork(3, 5)
            with pytest.raises(WrongChain, match="on chain 4326"):
                indexing.result(60)
        finally:
            stop.set()
    assert read_checkpoint(connection).block_hash == season[HEAD].hash


def follow_a_node_that_fails(
    season: list[RecordedBlock], truth: Truth, stranger: ReplayServer, connection: Connection[Any]
) -> Watcher:
    """Index, while the first of two nodes fails until the second one was asked three times."""
    with FailingServer(season, ReplayOptions(head=HEAD)) as server:
        index(server, truth.contracts)
        seen = stranger.requests
        server.fails = lambda: stranger.requests < seen + 1
        with following(server, truth.contracts, others=[stranger]) as watchers:
            server.restore_recorded(HEAD + 10)
            await_tip(connection, season[HEAD + 10].hash)
    return watchers[0]


def test_another_chain_is_never_read_though_it_is_all_that_answers(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    with StrangeServer(season, ReplayOptions(head=150)) as stranger:
        stranger.fork(140, 150)
        watcher = follow_a_node_that_fails(season, truth, stranger, connection)
    assert watcher.rollbacks == []
    assert [kind for kind, message in watcher.alarms if message] == [AlarmKind.NODE]
    assert "on chain 4326" in str(watcher.alarms[0][1])
    (noted,) = connection.execute("SELECT message FROM incidents WHERE kind = 'alarm'").fetchall()
    assert noted[0].startswith("node: ")
    assert "on chain 4326" in noted[0]
    assert state_digest(connection) == digest_at(HEAD + 10)


def test_a_node_on_a_deep_fork_is_never_read(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    with ReplayServer(season, ReplayOptions(head=HEAD)) as stranger:
        stranger.fork(150, 160)
        watcher = follow_a_node_that_fails(season, truth, stranger, connection)
    assert watcher.rollbacks == []
    assert [kind for kind, message in watcher.alarms if message] == [AlarmKind.NODE]
    assert state_digest(connection) == digest_at(HEAD + 10)


def test_a_node_that_turns_to_another_history_while_in_use_is_left_for_the_one_that_has_ours(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    options = ReplayOptions(head=HEAD)
    with ReplayServer(season, options) as first, ReplayServer(season, ReplayOptions(head=HEAD)) as second:
        index(first, truth.contracts)
        with following(first, truth.contracts, others=[second]) as watchers:
            await_tip(connection, season[HEAD].hash)
            first.fork(150, 160)
            second.restore_recorded(HEAD + 10)
            await_tip(connection, season[HEAD + 10].hash)
    assert watchers[0].rollbacks == []
    assert state_digest(connection) == digest_at(HEAD + 10)


def test_a_deep_reorg_that_all_nodes_show_is_followed(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=HEAD)) as first,
        ReplayServer(season, ReplayOptions(head=HEAD)) as other,
    ):
        index(first, truth.contracts)
        first.fork(150, 160)
        other.fork(150, 160)
        watcher = index(first, truth.contracts, others=[other])
    assert [rollback.ancestor for rollback in watcher.rollbacks] == [HEAD - 150]
    assert (AlarmKind.DEEP_REORG, None) in watcher.alarms
