"""Rows and tables: what is written is what is read back, up to the limits of every type."""

from typing import Any

from psycopg import Connection

from indexer.domain.events import (
    BetPlaced,
    BoostApplied,
    RoundCreated,
    ScanExecuted,
)
from indexer.domain.units import DATA
from indexer.maintenance.dump import dump_state
from indexer.models import CurrentPosition, CurrentRound, Position
from indexer.records.rows import ARCHIVE, FACTS, VERSIONS, ChainEventRow
from indexer.store.tables import tables, time_text
from indexer.store.writer import append, copy_text
from tests.chains import user
from tests.indexer.store.building import deployed, index_blocks

HUGE = 2**256 - 1
FOREVER = 2**64 - 1


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


def test_free_text_and_json_pass_through_copy_unharmed(connection: Connection[Any]) -> None:
    nasty = '{"text": "tab\\tnewline\\nback\\\\slash \\\\N"}'
    row = ChainEventRow(1, 0, "0x" + "00" * 32, 0, "GhostCore", "X", nasty)  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        append(cursor, tables()[ChainEventRow], copy_text(ChainEventRow, [row]))
    (stored,) = connection.execute("SELECT args ->> 'text' FROM chain_events").fetchone() or ("",)
    assert stored == "tab\tnewline\nback\\slash \\N"
