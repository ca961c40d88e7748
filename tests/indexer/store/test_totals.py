"""Running totals equal the sums of history, however it was written."""

from importlib import import_module
from typing import Any

import pytest
from psycopg import Connection

from indexer.models import GameTotal
from indexer.store.claim import Claim
from indexer.store.rollback import roll_back
from indexer.store.totals import GAME, TOTALS, recount_totals, wrong_totals
from tests.filling import fill
from tests.rows import fetch_one

SUM_UP: str = import_module("indexer.migrations.0015_game_totals").SUM_UP


@pytest.fixture
def indexed(connection: Connection[Any]) -> Connection[Any]:
    """A connection to a database with the season's first 700 blocks."""
    fill(connection, 700)
    return connection


def test_every_kind_occurs_and_a_rollback_leaves_what_is_left(indexed: Connection[Any]) -> None:
    kinds = {kind for (kind,) in indexed.execute("SELECT kind FROM game_totals")}
    assert kinds == {*GameTotal.Kind.values}
    before = fetch_one(indexed, "SELECT sum(entries) FROM game_totals")
    roll_back(Claim(indexed).take(), 300)
    assert 0 < fetch_one(indexed, "SELECT sum(entries) FROM game_totals") < before
    assert wrong_totals(indexed) == {}
    roll_back(Claim(indexed).take(), 1)
    assert wrong_totals(indexed) == {}


@pytest.mark.parametrize("totals", TOTALS, ids=lambda totals: totals.name)
def test_wrong_ones_are_found_and_summed_up_anew(indexed: Connection[Any], totals: Any) -> None:
    for change in (f"UPDATE {totals.name} SET {totals.sums[0]} = 7", f"DELETE FROM {totals.name} WHERE entries > 5"):
        indexed.execute(change)
        assert [*wrong_totals(indexed)] == [totals.name]
        recount_totals(indexed)
        assert wrong_totals(indexed) == {}


def test_what_was_indexed_before_there_were_totals_is_summed_up(indexed: Connection[Any]) -> None:
    indexed.execute(f"DELETE FROM {GAME.name}")
    indexed.execute(SUM_UP)
    assert wrong_totals(indexed) == {}
