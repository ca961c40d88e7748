"""Retention drops what is old and keeps what others need: balances, aggregates, the versions that rollbacks restore."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from psycopg import Connection

from indexer.maintenance.dump import dump_state
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.claim import Claim
from indexer.store.database import connect
from indexer.store.retention import HistoryRetired
from indexer.store.rollback import roll_back
from indexer.timescale.features import has_timescaledb
from indexer.timescale.plan import UpkeepPlan
from indexer.timescale.upkeep import run_upkeep
from tests.databases import Databases, default_database
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexer.timescale.recomputed import all_stored
from tests.indexing import index
from tests.rows import fetch_one

Digest = Callable[[int], str]

PLAN = UpkeepPlan(
    compress_after=timedelta(days=3), keep_transfers=timedelta(days=7), keep_archive=timedelta(days=14), reorg_depth=5
)


@pytest.fixture
def timescale(databases: Databases) -> Iterator[Connection[Any]]:
    """An empty database with TimescaleDB."""
    databases.spoiled = True
    with default_database(databases.make()), connect() as connection:
        if not has_timescaledb(connection):
            pytest.skip("needs TimescaleDB: DATABASE_URL names no server that has it")
        yield connection


def test_what_is_old_goes_and_what_others_need_stays(
    timescale: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season, ReplayOptions(head=1007)) as server:
        index(server, truth.contracts)
        run_upkeep(timescale, UpkeepPlan(None, None, None, reorg_depth=5))
        before = all_stored(timescale)
        done = run_upkeep(timescale, PLAN)
        assert done["retire"] != "0 chunks dropped"

        for table in ("token_transfers", "chain_events", "chain_blocks"):
            assert fetch_one(timescale, f"SELECT min(id) FROM {table}") > 100 << 23
        for table in ("positions", "level_states", "level_slots", "scans", "deaths", "rounds", "bets", "boosts"):
            assert fetch_one(timescale, f"SELECT min(id) FROM {table}") < 100 << 23
        kept = fetch_one(timescale, "SELECT before FROM retention_horizons WHERE name = 'chain_events'")
        assert not timescale.execute(
            "SELECT FROM chain_events WHERE contract = 'DataToken' AND block_time < %s", (kept,)
        ).rowcount

        run_upkeep(timescale, PLAN)
        assert all_stored(timescale) == before

        state = dump_state(timescale)
        assert state["eventCounts"] is None
        expected = truth.checkpoints["1007"]["balances"]
        assert {address: state["balances"].get(address, "0") for address in expected} == expected

        roll_back(Claim(timescale).take(), 940)
        index(server, truth.contracts)
        assert dump_state(timescale) == state


def test_what_needs_retired_history_fails_and_names_it(
    timescale: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts)
    run_upkeep(timescale, PLAN)
    with pytest.raises(HistoryRetired, match="a rebuild from block 0 on"):
        run_rebuild(timescale)
    with pytest.raises(HistoryRetired, match="the balances at block 100"):
        dump_state(timescale, 100)
    assert not run_rebuild(timescale, 950).differs


def test_status_reports_sizes_policies_and_the_last_round(
    timescale: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts)
    run_upkeep(timescale, PLAN)
    call_command("timescale_status")
    said = capsys.readouterr().out
    for part in ("chain_events", "tvl_hourly", "90 days", "365 days", "retired: token_transfers before", "aggregates"):
        assert part in said


@pytest.mark.parametrize("command", ["timescale_status", "timescale_upkeep"])
def test_commands_for_timescaledb_fail_with_help_on_a_plain_server(connection: Connection[Any], command: str) -> None:
    if has_timescaledb(connection):
        pytest.skip("this server has TimescaleDB")
    with pytest.raises(CommandError, match=r"docs/operations\.md"):
        call_command(command)
    assert run_upkeep(connection, PLAN) == {}
