"""Rows and tables: what is written is what is read back, up to the limits of every type."""

from typing import Any

import pytest
from psycopg import Connection

from indexer.chain.errors import WrongNumbers
from indexer.domain.events import (
    BetPlaced,
    BoostApplied,
    RoundCreated,
    ScanExecuted,
    Transfer,
)
from indexer.domain.units import DATA, ZERO_ADDRESS
from indexer.maintenance.dump import dump_state
from indexer.models import CurrentPosition, CurrentRound
from indexer.records.rows import ARCHIVE, FACTS, VERSIONS
from indexer.store.tables import tables
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
    chain.events(("DataToken", Transfer(ZERO_ADDRESS, user(1), HUGE - 10**9 * DATA)))
    chain.jack_in(user(1), HUGE, 5)
    index_blocks(chain.blocks)
    round_ = CurrentRound.objects.get()
    assert (round_.round_id, round_.line, round_.deadline, round_.over_pool) == (HUGE, HUGE, FOREVER, HUGE)
    position = CurrentPosition.objects.get(address=user(1))
    assert (position.amount, position.address) == (HUGE, user(1))
    dumped = dump_state(connection)
    assert dumped["players"][user(1)]["amount"] == str(HUGE)
    assert dumped["players"][user(1)]["activeBoosts"] == [{"boostType": 255, "valueBps": 65535, "expiry": FOREVER}]


def test_block_times_that_are_not_in_seconds_are_refused(connection: Connection[Any]) -> None:
    chain = deployed()
    chain.block(after=1_800_000_000_000 - chain.now)
    with pytest.raises(WrongNumbers, match="1800000000000 can't be block 2's time in seconds"):
        index_blocks(chain.blocks)
