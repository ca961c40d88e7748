"""Aggregates equal the sums of history: on both servers, refreshed or not, after reorgs and rebuilds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.claim import Claim
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.rollback import roll_back
from indexer.timescale.plan import UpkeepPlan
from indexer.timescale.upkeep import run_upkeep
from tests.databases import Databases, default_database
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexer.timescale.recomputed import all_stored, assert_aggregates_match_history, recomputed
from tests.indexing import index
from tests.rows import fetch_one

Digest = Callable[[int], str]

REFRESH_ONLY = UpkeepPlan(compress_after=None, keep_transfers=None, keep_archive=None, reorg_depth=64)
COMPRESS_ALL = UpkeepPlan(compress_after=timedelta(0), keep_transfers=None, keep_archive=None, reorg_depth=1)


def test_the_season_s_aggregates(indexed_season: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        assert_aggregates_match_history(connection)


def test_burns_by_source_are_all_that_the_game_burned(indexed_season: str, django_db_blocker: Any) -> None:
    """By the token's own account: transfers of GhostCore and DeadPool to the dead address, and buybacks' burns."""
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        burned: dict[str, Any] = dict(
            connection.execute("SELECT source, sum(amount) FROM burns_daily GROUP BY source").fetchall()
        )
        assert set(burned) == {"tax", "deaths", "culling", "resets", "bets", "buybacks"}
        assert all(amount > 0 for amount in burned.values())
        for contract, sources in (("GhostCore", ("deaths", "culling", "resets")), ("DeadPool", ("bets",))):
            sent = fetch_one(
                connection,
                "SELECT sum(amount) FROM token_transfers, checkpoints"
                f" WHERE sender = decode(substr(contracts->>'{contract}', 3), 'hex')"
                " AND (recipient = decode('000000000000000000000000000000000000dead', 'hex')"
                "  OR recipient = decode(repeat('00', 20), 'hex'))",
            )
            assert sum(burned[source] for source in sources) == sent


def test_blocks_reorgs_and_rebuilds_between_refreshes(
    databases: Databases, season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    """On a plain server nothing is stored, so nothing can be stale; the same must hold where it is."""
    databases.spoiled = True
    options = ReplayOptions(head=500)
    with default_database(databases.make()), ReplayServer(season, options) as server, connect() as connection:
        index(server, truth.contracts)
        run_upkeep(connection, REFRESH_ONLY)
        assert_aggregates_match_history(connection)

        server.restore_recorded(700)
        index(server, truth.contracts)
        assert_aggregates_match_history(connection)
        run_upkeep(connection, REFRESH_ONLY)

        server.fork(200, 180)
        index(server, truth.contracts)
        assert fetch_one(connection, "SELECT max(depth) FROM reorgs") == 200
        run_upkeep(connection, REFRESH_ONLY)
        assert_aggregates_match_history(connection)

        connection.execute("UPDATE deaths SET streak = streak + 1, amount = amount + 1")
        connection.execute(f"DELETE FROM token_transfers WHERE id < {200 << 23}")
        run_rebuild(connection)
        run_upkeep(connection, REFRESH_ONLY)
        assert_aggregates_match_history(connection)

        server.restore_recorded(1007)
        index(server, truth.contracts)
        run_upkeep(connection, REFRESH_ONLY)
        assert_aggregates_match_history(connection)
        assert state_digest(connection) == digest_at(1007)


def test_a_rollback_into_compressed_chunks_is_exact(
    databases: Databases, season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    """None is expected, since chunks are compressed below the reorg depth only; where there is no TimescaleDB, this is
    a deep rollback as any other."""
    databases.spoiled = True
    with default_database(databases.make()), ReplayServer(season) as server, connect() as connection:
        index(server, truth.contracts, to_block=900)
        done = run_upkeep(connection, COMPRESS_ALL)
        assert not done or done["compress"] != "0 chunks compressed"
        assert state_digest(connection) == digest_at(900)
        roll_back(Claim(connection).take(), 300)
        assert state_digest(connection) == digest_at(300)
        index(server, truth.contracts)
        assert state_digest(connection) == digest_at(1007)
        run_upkeep(connection, COMPRESS_ALL)
        assert_aggregates_match_history(connection)


def test_a_round_that_broke_off_is_made_up_for(databases: Databases, season: list[RecordedBlock], truth: Truth) -> None:
    """What a rollback touched is on TimescaleDB's own record: whoever comes later refreshes it."""
    databases.spoiled = True
    name = databases.make()
    with default_database(name), ReplayServer(season) as server, connect() as connection:
        index(server, truth.contracts)
        run_upkeep(connection, REFRESH_ONLY)
        roll_back(Claim(connection).take(), 400)
    with default_database(name), connect() as connection:
        run_upkeep(connection, UpkeepPlan(None, None, None, reorg_depth=1))
        rolled_back = all_stored(connection)
        assert max(bucket for bucket, *_ in rolled_back["tvl_daily"]) <= fetch_one(
            connection, "SELECT block_time FROM checkpoints"
        )
        assert rolled_back["token_volume_hourly"] == recomputed(connection, "token_volume", "hourly")
