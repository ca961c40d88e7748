"""The victims of the next cullings, for arrays of users in every state."""

import pytest

from indexer.domain.levels import LevelId
from indexer.selectors.positions import next_victims
from tests.chains import user
from tests.factories import (
    CurrentLevelFactory,
    CurrentLevelSlotFactory,
    CurrentPositionFactory,
    CurrentProtocolFactory,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _protocol(database: str) -> None:
    CurrentProtocolFactory.create()


def fill(level: LevelId, players: list[int], first_slot: int = 0) -> None:
    """Players in the slots of a level, in this order."""
    for slot, number in enumerate(players, first_slot):
        CurrentPositionFactory.create(address=user(number), level=level)
        CurrentLevelSlotFactory.create(level=level, slot=slot, address=user(number))


def test_the_first_goes_then_the_last_which_took_its_slot() -> None:
    CurrentLevelFactory.create(max_positions=6)
    fill(LevelId.VAULT, [4, 2, 3, 1])
    found = next_victims(LevelId.VAULT, 10)
    assert [row.position.address for row in found.positions] == [user(4), user(1), user(3), user(2)]
    assert (found.free_places, found.order_known) == (2, True)
    assert [row.position.address for row in next_victims(LevelId.VAULT, 2).positions] == [user(4), user(1)]


def test_slots_that_were_given_up_and_other_levels_do_not_count() -> None:
    """An array that became shorter keeps rows of its former slots, without a player."""
    CurrentLevelFactory.create(max_positions=2)
    CurrentLevelFactory.create(level=LevelId.MAINFRAME)
    fill(LevelId.VAULT, [1, 2])
    CurrentLevelSlotFactory.create(slot=2, address=None)
    fill(LevelId.MAINFRAME, [3])
    found = next_victims(LevelId.VAULT, 10)
    assert [row.position.address for row in found.positions] == [user(1), user(2)]
    assert found.free_places == 0


def test_a_level_that_was_made_smaller_than_it_is_full_has_no_free_place() -> None:
    CurrentLevelFactory.create(max_positions=1)
    fill(LevelId.VAULT, [1, 2, 3])
    assert next_victims(LevelId.VAULT, 10).free_places == 0


def test_an_unknown_order_is_marked_as_unknown() -> None:
    CurrentLevelFactory.create(roster_order_known=False)
    fill(LevelId.VAULT, [1])
    assert not next_victims(LevelId.VAULT, 10).order_known
