"""Rebuilding the derived tables from the archive alone."""

import threading
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.events import DeathsProcessed, DeathsSubmitted, JackedIn, ScanExecuted
from indexer.domain.units import DATA
from indexer.maintenance.rebuild import RebuildInterrupted, Rebuilt, rebuild
from indexer.replay.recording import RecordedBlock, RecordedLog
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.rules.errors import DeathsUnresolved
from indexer.store.checkpoint import HEAD_CHANNEL
from indexer.store.claim import IndexerAtWork
from indexer.store.database import connect
from indexer.store.digest import TotalsDiffer, state_digest
from indexer.store.lock import indexer_lock
from indexer.store.totals import recount_totals
from tests.chains import ADDRESSES, TRACE_SCAN, ChainBuilder, encode_log, submit_deaths, user
from tests.databases import Databases, default_database
from tests.filling import fill
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexing import index
from tests.processes import HEAD, run_command
from tests.rows import fetch_one


def changed(rebuilt: Rebuilt) -> list[str]:
    return [comparison.table for comparison in rebuilt.comparisons if not comparison.same]


@pytest.fixture
def indexed(connection: Connection[Any]) -> Connection[Any]:
    """A connection to a database with the season's first 300 blocks; there is no node."""
    fill(connection, HEAD)
    return connection


def test_the_archive_alone_gives_what_the_node_gave(indexed: Connection[Any]) -> None:
    rebuilt = run_rebuild(indexed)
    assert changed(rebuilt) == []
    assert not rebuilt.differs
    rows = {comparison.table: comparison.rows_after for comparison in rebuilt.comparisons}
    assert rows["positions"] == fetch_one(indexed, "SELECT count(*) FROM positions") > 0
    assert rows["deaths"] == fetch_one(indexed, "SELECT count(*) FROM deaths") > 0


@pytest.mark.parametrize("from_block", [None, 200])
def test_what_old_rules_got_wrong_is_replaced_and_readers_are_notified(
    indexed: Connection[Any], from_block: int | None
) -> None:
    right = state_digest(indexed)
    for table, change in (("positions", "amount = amount + 1"), ("level_states", "survived_scans = 0")):
        indexed.execute(f"UPDATE {table} SET {change} WHERE id > {220 << 23}")
        indexed.execute(f"UPDATE current_{table.replace('_states', 's')} SET {change} WHERE id > {220 << 23}")
    indexed.execute(f"DELETE FROM deaths WHERE id > {240 << 23}")
    recount_totals(indexed)
    assert state_digest(indexed) != right
    wrong = state_digest(indexed)

    assert changed(run_rebuild(indexed, from_block, swap=False)) == ["deaths", "positions", "level_states"]
    assert state_digest(indexed) == wrong

    with connect() as listener:
        listener.execute(f"LISTEN {HEAD_CHANNEL}")
        assert changed(run_rebuild(indexed, from_block)) == ["deaths", "positions", "level_states"]
        assert [notice.payload.split()[0] for notice in listener.notifies(stop_after=1)] == [str(HEAD)]
    assert state_digest(indexed) == right
    assert fetch_one(indexed, "SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuild'") == 0


def test_wrong_totals_alone_are_summed_up_anew(indexed: Connection[Any]) -> None:
    right = state_digest(indexed)
    indexed.execute("UPDATE account_totals SET balance = balance + 1 WHERE address = (SELECT min(address) FROM deaths)")
    with pytest.raises(TotalsDiffer, match="account_totals"):
        state_digest(indexed)
    assert run_rebuild(indexed, swap=False).wrong_totals == {"account_totals": 2}
    run_rebuild(indexed)
    assert state_digest(indexed) == right


def test_the_indexer_goes_on_from_what_was_rebuilt(
    databases: Databases, season: list[RecordedBlock], truth: Truth
) -> None:
    digests = []
    for with_rebuild in (False, True):
        with default_database(databases.make()), ReplayServer(season) as server, connect() as connection:
            fill(connection, HEAD)
            index(server, truth.contracts, to_block=HEAD + 50)
            if with_rebuild:
                connection.execute("UPDATE positions SET reward_debt = 0")
                run_rebuild(connection)
            index(server, truth.contracts, to_block=HEAD + 150)
            digests.append(state_digest(connection))
    assert digests[0] == digests[1]


def test_a_rebuild_does_not_start_beside_an_indexer(indexed: Connection[Any]) -> None:
    with connect() as other:
        assert indexer_lock(6343).try_acquire(other)
        with pytest.raises(IndexerAtWork):
            run_rebuild(indexed)


def test_an_interrupted_rebuild_changes_nothing(indexed: Connection[Any]) -> None:
    before = state_digest(indexed)
    indexed.execute("UPDATE boosts SET value_bps = 1")
    stop = threading.Event()
    stop.set()
    with pytest.raises(RebuildInterrupted):
        rebuild(indexed, None, swap=True, stop=stop, on_progress=lambda *_: None)
    assert fetch_one(indexed, "SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuild'") == 0
    assert fetch_one(indexed, "SELECT max(value_bps) FROM boosts") == 1
    run_rebuild(indexed)
    assert state_digest(indexed) == before


class TracingServer(ReplayServer):
    """A node that answers traces: a wrapper contract submitted these deaths, and its calldata does not show them."""

    dead: Sequence[str] = ()
    traces = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method != "debug_traceTransaction":
            return super()._result(method, params, socket)
        self.traces += 1
        calldata = submit_deaths(1, self.dead)  # type: ignore[arg-type]
        inner = f'{{"type":"CALL","to":"{TRACE_SCAN}","input":"{calldata}"}}'
        return f'{{"type":"CALL","to":"{user(50)}","input":"0x","calls":[{inner}]}}'.encode()


def test_a_rebuild_uses_the_stored_answers_of_nodes(connection: Connection[Any]) -> None:
    chain = ChainBuilder()
    chain.deploy()
    for number in range(1, 5):
        chain.jack_in(user(number), 100 * DATA, 1)
    chain.events(("TraceScan", ScanExecuted(1, 1, 4711, chain.now)))
    chain.events(
        ("GhostCore", DeathsProcessed(1, 2, 200 * DATA, 0, 0)),
        ("TraceScan", DeathsSubmitted(1, 1, 2, 200 * DATA, user(8))),
        calldata="0x12345678",
    )
    with TracingServer(chain.blocks) as server:
        server.dead = [user(4), user(2)]
        index(server, ADDRESSES)
        assert server.traces == 1
    evidence = connection.execute("SELECT '0x' || encode(address, 'hex'), evidence FROM deaths ORDER BY id").fetchall()
    assert evidence == [(user(4), "trace"), (user(2), "trace")]
    assert not run_rebuild(connection).differs
    connection.execute("DELETE FROM witness_answers")
    with pytest.raises(DeathsUnresolved):
        run_rebuild(connection)


def test_logs_that_can_be_decoded_by_now_become_events(connection: Connection[Any]) -> None:
    """The row is made by hand: the log of an entry, kept raw as if the ABI had lacked JackedIn."""
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(user(1), 100 * DATA, 1)
    with ReplayServer(chain.blocks) as server:
        index(server, ADDRESSES)
    right = state_digest(connection)
    entry = fetch_one(connection, "SELECT id FROM chain_events WHERE name = 'JackedIn'")
    log: RecordedLog = encode_log("GhostCore", JackedIn(user(1), 100 * DATA, 1, 100 * DATA))
    connection.execute(
        "INSERT INTO undecoded_logs (id, block_time, tx_hash, tx_index, address, topics, data, reason)"
        " SELECT id, block_time, tx_hash, tx_index, %s, %s::jsonb, %s, 'unknown' FROM chain_events WHERE id = %s",
        (
            bytes.fromhex(log.address[2:]),
            str(log.topics).replace("'", '"'),
            bytes.fromhex(log.data[2:]),
            entry,
        ),
    )
    connection.execute("DELETE FROM chain_events WHERE id = %s", (entry,))
    for table in ("positions", "current_positions", "level_slots", "current_level_slots"):
        connection.execute(f"DELETE FROM {table}")
    assert run_rebuild(connection).newly_decoded == 1
    assert state_digest(connection) == right


def test_the_command_says_what_it_compared(database: str, connection: Connection[Any]) -> None:
    fill(connection, 300)
    connection.execute("UPDATE bets SET payout = 7")
    said = command(database, "--check")
    assert said.returncode == 1
    assert "bets: " in said.stdout
    assert "different" in said.stdout
    replaced = command(database)
    assert replaced.returncode == 0, replaced.stderr
    assert "blocks 0 to 300: replaced" in replaced.stdout
    clean = command(database, "--check", "--from-block", "100")
    assert clean.returncode == 0, clean.stderr
    assert "blocks 100 to 300: nothing differs" in clean.stdout
    beyond = command(database, "--from-block", "301")
    assert beyond.returncode == 1
    assert "block 301 is not indexed: this database covers 0 to 300" in beyond.stderr


def command(database: str, *arguments: str) -> CompletedProcess[str]:
    """Where no node listens."""
    return run_command(database, "http://127.0.0.1:9", "rebuild_state", *arguments)
