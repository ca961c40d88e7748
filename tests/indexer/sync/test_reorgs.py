"""Reorgs of every shape and depth: the tables are those of the canonical chain in the end."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.test import Client
from psycopg import Connection

from indexer.domain.units import DATA, to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind
from indexer.store.checkpoint import HEAD_CHANNEL, read_checkpoint
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync.common_ancestor import NoCommonAncestor
from tests.chains import ADDRESSES, ChainBuilder, user
from tests.databases import Databases, default_database
from tests.filling import fill
from tests.indexing import following, index
from tests.processes import await_block, await_tip

HEAD = 150
END = 170


@pytest.fixture
def digest(digest_at: Callable[[int], str]) -> str:
    return digest_at(END)


@pytest.fixture
def filled(connection: Connection[Any]) -> Connection[Any]:
    """A connection to the default database, which holds the season up to block `HEAD`."""
    fill(connection, HEAD)
    return connection


@pytest.mark.parametrize(
    ("forks", "ancestors", "ws"),
    [
        ([(12, 12)], [138, 138], True),
        ([(12, 5)], [138, 138], False),
        ([(12, 20)], [138, 138], True),
        ([(12, 20)], [138, 138], False),
        ([(20, 20), (10, 10), (15, 12)], [130, 140, 135, 130], True),
        ([(5, 5), (30, 25)], [145, 120, 120], False),
        ([(64, 64)], [86, 86], False),
    ],
    ids=["equal", "shorter", "longer", "longer, polled", "forks within a fork", "a fork below a fork", "64 deep"],
)
def test_forks_of_every_shape_are_followed_and_left(
    filled: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest: str,
    forks: list[tuple[int, int]],
    ancestors: list[int],
    ws: bool,
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=HEAD)) as server,
        following(server, truth.contracts, ws=ws) as watchers,
    ):
        await_tip(filled, server.chain.blocks[-1].hash)
        for depth, length in forks:
            server.fork(depth, length)
            await_tip(filled, server.chain.blocks[-1].hash)
        server.restore_recorded(END)
        await_tip(filled, server.chain.blocks[-1].hash)
    assert [rollback.ancestor for rollback in watchers[0].rollbacks] == ancestors
    assert state_digest(filled) == digest


def test_each_reorg_leaves_a_row_with_all_that_happened(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        dropped = [block.hash for block in server.chain.blocks[HEAD - 6 :]]
        server.fork(7, 7)
        with connect() as listener:
            listener.execute(f"LISTEN {HEAD_CHANNEL}")
            index(server, truth.contracts)
            payloads = [notice.payload.split()[0] for notice in listener.notifies(timeout=0.5)]
        new = [block.hash for block in server.chain.blocks[HEAD - 6 :]]
    row = filled.execute(
        "SELECT ancestor_number, ancestor_hash, dropped_head, dropped_hashes, new_hashes, depth, rows_undone,"
        " duration_ms, detected_at FROM reorgs"
    ).fetchone()
    assert row is not None
    assert (row[0], to_hex(row[1])) == (HEAD - 7, season[HEAD - 7].hash)
    assert row[2] == HEAD
    assert [to_hex(block_hash) for block_hash in row[3]] == dropped
    assert [to_hex(block_hash) for block_hash in row[4]] == new
    assert row[5] == 7
    assert row[6] > 0
    assert row[7] >= 0
    assert abs(row[8].timestamp() - time.time()) < 60
    assert (payloads[0], payloads[-1]) == (str(HEAD - 7), str(HEAD))


def readiness() -> tuple[int, Any]:
    answer = Client().get("/health/ready")
    return answer.status_code, answer.json()["checks"]


def test_a_reorg_deeper_than_expected_is_an_alarm_and_undone_all_the_same(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth, digest: str
) -> None:
    seen: list[tuple[int, Any]] = []
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        assert readiness()[0] == 200
        server.fork(100, 110)
        watcher = index(server, truth.contracts, unsettled=10, on_rollback=lambda: seen.append(readiness()))
        assert watcher.rollbacks[0].depth == 100
        assert [(kind, message is None) for kind, message in watcher.alarms] == [
            (AlarmKind.DEEP_REORG, False),
            (AlarmKind.DEEP_REORG, True),
        ]
        ((status, checks),) = seen
        assert status == 503
        assert "a reorg of 100 blocks down to 50" in checks["alarms"]["deep_reorg"]
        assert readiness()[0] == 200
        server.restore_recorded(END)
        index(server, truth.contracts)
    assert state_digest(filled) == digest


def test_beyond_what_is_remembered_it_stops_changes_nothing_and_says_what_to_do(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        index(server, truth.contracts, headers_kept=70)
        before = state_digest(connection)
        server.fork(100, 120)
        for _ in range(2):
            with pytest.raises(NoCommonAncestor, match="shares none of the 70 headers") as raised:
                index(server, truth.contracts, headers_kept=70)
            assert "GHOSTNET_HEADERS_KEPT" in str(raised.value)
        status, checks = readiness()
        assert status == 503
        assert "shares none of the 70 headers" in checks["alarms"]["halted"]
        assert state_digest(connection) == before
        server.restore_recorded(HEAD)
        index(server, truth.contracts, headers_kept=70)
        assert readiness()[0] == 200


def test_a_start_in_the_middle_of_the_chain_can_be_reorganized_away(databases: Databases) -> None:
    chain = ChainBuilder()
    while len(chain.blocks) < 15:
        chain.block()
    chain.deploy()
    for number in range(16, 40):
        chain.jack_in(user(number), 100 * DATA, 1)
    digests = []
    for forked in (False, True):
        with (
            default_database(databases.make()),
            ReplayServer(chain.blocks, ReplayOptions(head=20)) as server,
            connect() as connection,
        ):
            if forked:
                index(server, ADDRESSES, start_block=15)
                server.fork(6, 8)
                watcher = index(server, ADDRESSES, start_block=15)
                assert [rollback.ancestor for rollback in watcher.rollbacks] == [14]
            server.restore_recorded(30)
            index(server, ADDRESSES, start_block=15)
            assert read_checkpoint(connection).block_hash == chain.blocks[30].hash
            digests.append(state_digest(connection))
    assert digests[0] == digests[1]


def test_a_fork_of_equal_height_is_noticed_though_nothing_was_fetched_before(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """The indexer starts at the head, so that the only block it knows of is the one in its database."""
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server, following(server, truth.contracts):
        time.sleep(0.5)
        server.fork(1, 1)
        await_tip(filled, server.chain.blocks[-1].hash)


class DizzyServer(ReplayServer):
    """A node whose headers make no sense for a while."""

    dizzy = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and not params[1] and self.dizzy:
            self.dizzy -= 1
            return answer.replace(b'"parentHash":"0x', b'"parentHash":null,"was":"0x')
        return answer


def test_headers_that_make_no_sense_are_asked_for_until_they_do(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with DizzyServer(season[:60], ReplayOptions(head=40)) as server:
        index(server, truth.contracts)
        server.fork(3, 3)
        server.dizzy = 32 * 14
        watcher = index(server, truth.contracts)
        assert server.dizzy == 0
    assert [rollback.depth for rollback in watcher.rollbacks] == [3]


@pytest.mark.parametrize("length", [3, 10, 15])
def test_a_chain_that_moved_while_the_indexer_was_down(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth, digest: str, length: int
) -> None:
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        server.fork(10, length)
        watcher = index(server, truth.contracts)
        assert [rollback.depth for rollback in watcher.rollbacks] == [10]
        assert read_checkpoint(filled).block_hash == server.chain.blocks[-1].hash
        server.restore_recorded(END)
        index(server, truth.contracts)
    assert state_digest(filled) == digest


class LaggingServer(ReplayServer):
    """A load balancer with a machine behind it that is some blocks late, and answers every other request."""

    late = 0

    def _answer(self, body: bytes, socket: Any) -> bytes:
        chain, self.turn = self.chain, not getattr(self, "turn", False)
        late = self.late if self.turn else 0
        blocks, kept = chain.blocks, chain.blocks[: len(chain.blocks) - late]
        chain.blocks = kept
        try:
            return super()._answer(body, socket)
        finally:
            chain.blocks = blocks


@pytest.mark.parametrize("late", [1, 3, 90])
def test_a_machine_that_lags_behind_is_no_reorg_and_loses_nothing(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth, digest: str, late: int
) -> None:
    with LaggingServer(season, ReplayOptions(head=HEAD)) as server:
        server.late = late
        with following(server, truth.contracts) as watchers:
            for head in range(HEAD, END + 1):
                server.restore_recorded(head)
                await_block(filled, min(head, HEAD))
            await_tip(filled, season[END].hash)
    assert watchers[0].rollbacks == []
    assert state_digest(filled) == digest


class TwoForksServer(ReplayServer):
    """A load balancer with machines on two forks behind it: every third request is answered from the other one."""

    other: Callable[[], Any] | None = None
    turn = 0

    def _answer(self, body: bytes, socket: Any) -> bytes:
        self.turn += 1
        if self.other is None or self.turn % 3:
            return super()._answer(body, socket)
        own, self.chain = self.chain, self.other()
        methods = self._methods._chain
        self._methods._chain = self.chain
        try:
            return super()._answer(body, socket)
        finally:
            self.chain, self._methods._chain = own, methods


def test_machines_on_two_forks_are_never_mixed(
    filled: Connection[Any], season: list[RecordedBlock], truth: Truth, digest: str
) -> None:
    """While they differ the indexer may follow the one or the other, but only whole; then they agree again."""
    options = ReplayOptions(head=HEAD)
    with ReplayServer(season, options) as other, TwoForksServer(season, options) as server:
        other.fork(8, 12)
        index(server, truth.contracts)
        server.other = lambda: other.chain
        with following(server, truth.contracts):
            for head in range(HEAD, HEAD + 12):
                server.restore_recorded(head)
                time.sleep(0.05)
            server.other = None
            server.restore_recorded(END)
            await_tip(filled, season[END].hash)
    assert state_digest(filled) == digest
