"""The ranks at the end of a day: those of the state after its last block, once no reorg can change it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.units import address_of
from indexer.maintenance.dump import dump_state
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.selectors import leaderboards
from indexer.selectors.periods import Period
from indexer.store.database import connect
from indexer.store.ranks import keep_ranks
from indexer.sync.upkeep import Upkeep
from indexer.timescale.plan import UpkeepPlan
from tests.databases import SEASON_DATABASE, copy_of, default_database, execute_on_server
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexing import index
from tests.processes import await_true
from tests.rows import fetch_one

DEPTH = 64
LAST_BLOCK = 903
"""The last block of the season before midnight of the 31st, and the last one of the 18th too: nothing came between."""
YESTERDAY = date(2026, 1, 30)
NOW = datetime(2026, 1, 31, tzinfo=UTC)

Ranks = dict[str, list[str]]


def stored_ranks(connection: Connection[Any], day: date) -> Ranks:
    """The addresses of each leaderboard in the order of their stored ranks, which are 1, 2, 3, …"""
    found: Ranks = {}
    rows = connection.execute(
        "SELECT board, rank, address FROM daily_ranks WHERE day = %s ORDER BY board, rank", (day,)
    )
    for board, rank, address in rows:
        found.setdefault(board, []).append(address_of(address))
        assert rank == len(found[board])
    return found


def boards_now() -> dict[str, leaderboards.Board[Any]]:
    return {
        "streak": leaderboards.longest_streaks(1_000),
        "survivors": leaderboards.longest_survivors(1_000),
        "staked": leaderboards.largest_stakes(1_000),
        "earnings": leaderboards.top_earners(1_000, Period.ALL, NOW),
        "losses": leaderboards.top_losers(1_000, Period.ALL, NOW),
    }


def ranks_now() -> Ranks:
    """The leaderboards as they are served at the checkpoint."""
    return {name: [entry.address for entry in board.items] for name, board in boards_now().items()}


def ranks_of_state(state: dict[str, Any]) -> Ranks:
    """The leaderboards of the living, by what the contracts' views answer."""
    alive = {address: player for address, player in state["players"].items() if player["alive"]}

    def by(order: Callable[[dict[str, Any]], Any]) -> list[str]:
        return sorted(alive, key=lambda address: (order(alive[address]), alive[address]["entryTimestamp"], address))

    return {
        "streak": by(lambda player: -player["ghostStreak"]),
        "survivors": by(lambda player: 0),
        "staked": by(lambda player: -int(player["amount"])),
    }


def days_stored(connection: Connection[Any]) -> list[date]:
    return [day for (day,) in connection.execute("SELECT DISTINCT day FROM daily_ranks ORDER BY day")]


def test_they_are_those_served_after_the_day_s_last_block(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=LAST_BLOCK)
        expected = ranks_now()
        assert keep_ranks(connection, DEPTH) is None, "blocks are missing up to the head"
        index(server, truth.contracts)
    assert all(len(players) > 20 for players in expected.values())
    assert keep_ranks(connection, DEPTH) == YESTERDAY
    assert stored_ranks(connection, YESTERDAY) == expected
    of_state = ranks_of_state(dump_state(connection, LAST_BLOCK))
    assert {name: expected[name] for name in of_state} == of_state
    assert keep_ranks(connection, DEPTH) is None, "they are stored already"

    for name, board in boards_now().items():
        before = {address: rank for rank, address in enumerate(expected[name], 1)}
        assert [entry.previous_rank for entry in board.items] == [before.get(entry.address) for entry in board.items]
        assert any(entry.previous_rank not in (None, entry.rank) for entry in board.items)
    month = leaderboards.top_earners(10, Period.MONTH, NOW).items
    assert {entry.previous_rank for entry in month} == {None}


def test_nothing_is_stored_before_a_block_of_the_next_day_is_finalized_and_two_days_are_kept(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """Days of the season begin at blocks 258, 295, 434 and 473."""
    for head, day, stored in (
        (100, None, []),
        (257 + DEPTH, date(2026, 1, 3), [date(2026, 1, 3)]),
        (294 + DEPTH, date(2026, 1, 4), [date(2026, 1, 3), date(2026, 1, 4)]),
        (433 + DEPTH, date(2026, 1, 5), [date(2026, 1, 4), date(2026, 1, 5)]),
        (434 + DEPTH, date(2026, 1, 6), [date(2026, 1, 5), date(2026, 1, 6)]),
        (472 + DEPTH, None, [date(2026, 1, 5), date(2026, 1, 6)]),
    ):
        with ReplayServer(season, ReplayOptions(head=head)) as server:
            index(server, truth.contracts)
        assert (keep_ranks(connection, DEPTH), days_stored(connection)) == (day, stored)
    of_state = ranks_of_state(dump_state(connection, 433))
    assert {name: stored_ranks(connection, date(2026, 1, 6))[name] for name in of_state} == of_state
    assert {entry.previous_rank for entry in leaderboards.longest_streaks(5).items} == {None}, "of the 8th"


def test_a_reorg_across_midnight_leaves_the_ranks_of_the_chain_that_stays(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """Block 433 is the last one of a day; in the fork other blocks hold what happened before midnight."""
    day, midnight = date(2026, 1, 6), "2026-01-07 00:00Z"
    with ReplayServer(season, ReplayOptions(head=453)) as server:
        index(server, truth.contracts)
        assert keep_ranks(connection, DEPTH) == day - timedelta(days=1), (
            "the last block that is finalized is of the 6th"
        )
        assert keep_ranks(connection, 10) == day
        first = stored_ranks(connection, day)
        server.fork(40, 60)
        index(server, truth.contracts)
        assert days_stored(connection) == [day - timedelta(days=1)], "a block that finalized the 6th is gone"
        assert keep_ranks(connection, 10) == day
        last = fetch_one(connection, f"SELECT max(id) >> 23 FROM chain_blocks WHERE block_time < '{midnight}'")
        found, of_state = stored_ranks(connection, day), ranks_of_state(dump_state(connection, last))
        assert {name: found[name] for name in of_state} == of_state
        assert found != first
        server.restore_recorded(433 + 80)
        index(server, truth.contracts)
    assert keep_ranks(connection, DEPTH) == day
    assert stored_ranks(connection, day) == first


@pytest.fixture
def indexed(indexed_season: str, django_db_blocker: Any) -> Iterator[Connection[Any]]:
    """A connection to the whole season, to be changed; no ranks are stored."""
    with django_db_blocker.unblock():
        name = copy_of(SEASON_DATABASE)
        with default_database(name), connect() as connection:
            connection.execute("DELETE FROM daily_ranks")
            yield connection
        execute_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_ranks_of_old_rules_go_with_a_rebuild(indexed: Connection[Any]) -> None:
    keep_ranks(indexed, DEPTH)
    right = stored_ranks(indexed, YESTERDAY)
    indexed.execute("DELETE FROM deaths")
    indexed.execute("DELETE FROM daily_ranks")
    keep_ranks(indexed, DEPTH)
    assert stored_ranks(indexed, YESTERDAY) != right
    run_rebuild(indexed, 1000)
    assert days_stored(indexed) == [YESTERDAY], "the rebuilt blocks are of a later day"
    run_rebuild(indexed)
    assert days_stored(indexed) == []
    keep_ranks(indexed, DEPTH)
    assert stored_ranks(indexed, YESTERDAY) == right


@pytest.mark.parametrize(
    "change",
    ["UPDATE checkpoints SET fence = fence + 1", "DELETE FROM blocks WHERE number >= 943"],
    ids=["claimed anew", "rolled back"],
)
def test_what_was_read_before_history_changed_is_not_stored(indexed: Connection[Any], change: str) -> None:
    """A rollback locks the checkpoint's row first of all, and a rebuild takes a new claim."""
    kept: list[date | None] = []

    def work() -> None:
        with connect() as own:
            kept.append(keep_ranks(own, DEPTH))

    thread = threading.Thread(target=work)
    with connect() as other, other.transaction():
        other.execute("SELECT FROM checkpoints FOR UPDATE")
        thread.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        await_true(lambda: fetch_one(indexed, waiting) > 0, "it does not wait for the writer")
        other.execute(change)
    thread.join()
    assert (kept, days_stored(indexed)) == ([None], [])


def test_the_indexer_s_upkeep_stores_them(indexed: Connection[Any]) -> None:
    upkeep = Upkeep(UpkeepPlan(None, None, None, DEPTH))
    upkeep.job.start()
    upkeep.job.trigger()
    try:
        await_true(lambda: days_stored(indexed) == [YESTERDAY], "no ranks were stored")
    finally:
        upkeep.job.stop()
