"""The tables: what is written is what comes back, up to the limits of every type."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from psycopg import Connection

from indexer.domain.events import (
    BetPlaced,
    BoostApplied,
    DeathsProcessed,
    DeathsSubmitted,
    Extracted,
    JackedIn,
    Paused,
    RoundCreated,
    ScanExecuted,
    Unpaused,
)
from indexer.domain.units import DATA
from indexer.maintenance.dump import dump_state
from indexer.models import CurrentPosition, CurrentRound, Position, UndecodedLog
from indexer.records.rows import ARCHIVE, FACTS, VERSIONS, ChainEventRow
from indexer.replay.recording import RecordedBlock, RecordedLog
from indexer.replay.server import ReplayServer
from indexer.rules.errors import InvariantBroken
from indexer.store.checkpoint import BlockNotIndexed, ForeignDatabase, NothingIndexed, start_chain
from indexer.store.database import connect
from indexer.store.digest import CurrentRowsDiffer, state_digest
from indexer.store.loader import Snapshot, load_game
from indexer.store.lock import indexer_lock
from indexer.store.rollback import roll_back
from indexer.store.tables import tables, time_text
from indexer.store.writer import Batch, Writer, append, copy_text
from tests.chains import ADDRESSES, GHOST_CORE, ChainBuilder, play, submit_deaths, user
from tests.databases import Databases
from tests.indexing import index

HUGE = 2**256 - 1
FOREVER = 2**64 - 1


def deployed() -> ChainBuilder:
    chain = ChainBuilder()
    chain.deploy()
    return chain


def index_blocks(blocks: list[RecordedBlock], **options: Any) -> None:
    with ReplayServer(blocks) as server:
        index(server, ADDRESSES, **options)


def test_every_row_class_has_a_table_with_the_same_columns() -> None:
    for row in (*ARCHIVE, *FACTS, *VERSIONS):
        assert tables()[row].columns == row._fields


def test_the_largest_values_of_every_type_survive(connection: Connection[Any]) -> None:
    chain = deployed()
    chain.events(
        ("DeadPool", RoundCreated(HUGE, 255, 0, HUGE, FOREVER)),
        ("DeadPool", BetPlaced(HUGE, user(1), True, HUGE)),
        ("GhostCore", BoostApplied(user(1), 255, 65535, FOREVER)),
        ("TraceScan", ScanExecuted(5, HUGE, HUGE, FOREVER)),
    )
    chain.jack_in(user(1), HUGE, 5)
    index_blocks(chain.blocks)
    round_ = CurrentRound.objects.get()
    assert (round_.round_id, round_.line, round_.deadline, round_.over_pool) == (HUGE, HUGE, FOREVER, HUGE)
    position = CurrentPosition.objects.get(address=user(1))
    assert (position.amount, position.address) == (HUGE, user(1))
    dumped = dump_state(connection)
    assert dumped["players"][user(1)]["amount"] == str(HUGE)
    assert dumped["players"][user(1)]["activeBoosts"] == [{"boostType": 255, "valueBps": 65535, "expiry": FOREVER}]


def test_block_times_beyond_what_a_timestamp_holds_are_kept_exactly(connection: Connection[Any]) -> None:
    chain = deployed()
    chain.block(after=FOREVER - chain.now - 10)
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    dumped = dump_state(connection)
    assert dumped["timestamp"] == chain.now == FOREVER - 9
    assert dumped["players"][user(1)]["entryTimestamp"] == chain.now
    assert Position.objects.get().block_time.year == 9999
    assert time_text(FOREVER).startswith("9999-12-31")


def test_five_thousand_players_on_one_level_are_loaded_as_they_were(connection: Connection[Any]) -> None:
    chain = deployed()
    for start in range(0, 5000, 500):
        entries = [("GhostCore", JackedIn(user(n), 10 * DATA, 1, 10 * DATA)) for n in range(start, start + 500)]
        chain.events(*entries)
    index_blocks(chain.blocks)
    game = load_game(Snapshot(connection), ADDRESSES)
    assert game.levels[1].roster.members == [user(number) for number in range(5000)]
    assert game.positions == play(chain.blocks).positions


def test_undecodable_logs_are_kept_and_do_no_harm(database: str) -> None:
    chain = deployed()
    odd = [
        RecordedLog(GHOST_CORE, [], "0x"),
        RecordedLog(GHOST_CORE, ["0x" + "ab" * 32], "0x1234"),
        RecordedLog(GHOST_CORE, ["0x" + "cd" * 32, "0x" + "00" * 32], "0x" + "5c" * 33),
    ]
    chain.block(chain.transaction(logs=odd))
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    kept = UndecodedLog.objects.order_by("id")
    assert [(log.topics, log.data) for log in kept] == [(log.topics, log.data) for log in odd]
    assert CurrentPosition.objects.count() == 1


def test_a_contradiction_stops_at_its_block_again_and_again_and_writes_nothing_of_the_batch(
    connection: Connection[Any],
) -> None:
    chain = deployed()
    chain.jack_in(user(1), 10 * DATA, 1)
    chain.events(("GhostCore", Extracted(user(1), 10 * DATA, 1)))
    for _ in range(2):
        with pytest.raises(InvariantBroken, match="block 3"):
            index_blocks(chain.blocks, batch_size=1)
        assert Snapshot(connection).at_block == 2
    assert CurrentPosition.objects.get().status == "alive"


def test_a_database_of_another_deployment_is_refused(database: str) -> None:
    index_blocks(deployed().blocks)
    with connect() as connection, pytest.raises(ForeignDatabase, match="chain id configured is 4326"):
        start_chain(connection, 4326, 0, ADDRESSES)
    with connect() as connection, pytest.raises(ForeignDatabase, match="contracts"):
        start_chain(connection, 6343, 0, {**ADDRESSES, "DeadPool": user(7)})


def test_asking_for_what_is_not_indexed_says_what_is(connection: Connection[Any]) -> None:
    with pytest.raises(NothingIndexed):
        dump_state(connection)
    index_blocks(deployed().blocks)
    with pytest.raises(BlockNotIndexed, match="covers 0 to 1"):
        dump_state(connection, 2)


def test_rolling_back_leaves_what_the_shorter_chain_left(
    connection: Connection[Any], season: list[RecordedBlock], truth: Any
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=520)
        wanted = {block: state_digest(connection, block) for block in (474, 500)}
        for ancestor in (500, 474):
            rollback = roll_back(connection, ancestor)
            assert rollback.rows_undone > 0
            assert state_digest(connection) == wanted[ancestor]
        index(server, truth.contracts, to_block=500)
    assert state_digest(connection) == wanted[500]
    reorgs = connection.execute("SELECT ancestor_number, dropped_head, depth FROM reorgs ORDER BY id").fetchall()
    assert reorgs == [(500, 520, 20), (474, 500, 26)]


def test_a_rollback_that_fails_changes_nothing(
    connection: Connection[Any], databases: Databases, season: list[RecordedBlock], truth: Any
) -> None:
    databases.spoiled = True
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=300)
    before = state_digest(connection)
    connection.execute("ALTER TABLE reorgs ADD CONSTRAINT no_reorgs CHECK (false)")
    with pytest.raises(psycopg.errors.CheckViolation):
        roll_back(connection, 280)
    assert state_digest(connection) == before


def test_a_current_row_that_was_tampered_with_is_found(connection: Connection[Any]) -> None:
    chain = deployed()
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    state_digest(connection)
    connection.execute("UPDATE current_positions SET amount = amount + 1")
    with pytest.raises(CurrentRowsDiffer, match="2 rows differ between current_positions"):
        state_digest(connection)


def test_free_text_and_json_pass_through_copy_unharmed(connection: Connection[Any]) -> None:
    nasty = '{"text": "tab\\tnewline\\nback\\\\slash \\\\N"}'
    row = ChainEventRow(1, 0, "0x" + "00" * 32, 0, "GhostCore", "X", nasty)  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        append(cursor, tables()[ChainEventRow], copy_text(ChainEventRow, [row]))
    (stored,) = connection.execute("SELECT args ->> 'text' FROM chain_events").fetchone() or ("",)
    assert stored == "tab\tnewline\nback\\slash \\N"


def test_a_second_indexer_waits_and_takes_over(database: str) -> None:
    stop = threading.Event()
    with connect() as first, connect() as second:
        assert indexer_lock(6343).try_acquire(first)
        assert indexer_lock(4326).try_acquire(second)
        taken: list[bool] = []
        waiting = threading.Thread(target=lambda: taken.append(indexer_lock(6343).acquire(second, stop)))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        first.close()
        waiting.join(5)
        assert taken == [True]


def test_a_waiting_indexer_can_be_stopped(database: str) -> None:
    stop = threading.Event()
    with connect() as first, connect() as second:
        assert indexer_lock(6343).try_acquire(first)
        stop.set()
        assert indexer_lock(6343).acquire(second, stop) is False


def test_a_batch_takes_few_statements_however_many_rows(connection: Connection[Any]) -> None:
    counts = []
    for players in (10, 1000):
        chain = deployed()
        chain.events(*(("GhostCore", JackedIn(user(n), 10 * DATA, 1, 10 * DATA)) for n in range(players)))
        with connection.transaction():
            connection.execute("TRUNCATE checkpoints, blocks, " + ", ".join(t.name for t in tables().values()))
            connection.execute("TRUNCATE " + ", ".join(t.current for t in tables().values() if t.current))
        counts.append(count_statements(connection, chain))
    assert counts[0] == counts[1] > 0


def count_statements(connection: Connection[Any], chain: ChainBuilder) -> int:
    notices: list[str] = []

    class Counting(psycopg.ClientCursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("execute")
            return super().execute(*args, **kwargs)

        def copy(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("copy")
            return super().copy(*args, **kwargs)

    write = Writer.write

    def counted(writer: Writer, batch: Batch) -> None:
        writer._connection.cursor_factory = Counting
        write(writer, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "write", counted)
        index_blocks(chain.blocks)
    return len(notices)


def test_time_bucket_gives_weeks_that_begin_on_monday(database: str) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT time_bucket('7 days', timestamptz '2026-11-22 23:59:59+00')")
        assert cursor.fetchone()[0].isoformat() == "2026-11-16T00:00:00+00:00"


def test_who_died_in_an_open_scan_is_remembered_over_a_restart(connection: Connection[Any]) -> None:
    """Bob dies, withdraws while GhostCore is paused, enters again, and is listed a second time in the same scan."""
    alice, bob, level = user(1), user(2), 1
    chain = deployed()
    chain.jack_in(alice, 100 * DATA, level)
    chain.jack_in(bob, 200 * DATA, level)
    chain.events(("TraceScan", ScanExecuted(level, 1, 4711, chain.now)))
    chain.events(*death_of(200 * DATA), calldata=submit_deaths(level, [bob]))
    chain.events(("GhostCore", Paused(alice)), ("GhostCore", Extracted(bob, 200 * DATA, 0)))
    chain.events(("GhostCore", Unpaused(alice)))
    chain.jack_in(bob, 50 * DATA, level)
    restart_at = len(chain.blocks) - 1
    chain.events(*death_of(100 * DATA), calldata=submit_deaths(level, [bob, alice]))
    index_blocks(chain.blocks, to_block=restart_at)
    index_blocks(chain.blocks)
    dead = connection.execute("SELECT '0x' || encode(address, 'hex'), evidence FROM deaths ORDER BY id").fetchall()
    assert dead == [(bob, "calldata"), (alice, "calldata")]
    assert CurrentPosition.objects.get(address=bob).status == "alive"


def death_of(stake: int) -> list[tuple[str, Any]]:
    """The two events of one death on level 1 in scan 1."""
    return [
        ("GhostCore", DeathsProcessed(1, 1, stake, 0, 0)),
        ("TraceScan", DeathsSubmitted(1, 1, 1, stake, user(8))),
    ]
