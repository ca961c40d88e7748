"""Leaderboards with equal players, of which the recorded season has hardly any."""

import pytest

from indexer.domain.positions import Status
from indexer.domain.units import DATA
from indexer.selectors.leaderboards import longest_streaks, longest_survivors
from tests.chains import START, user
from tests.factories import CurrentLevelFactory, CurrentPositionFactory

pytestmark = pytest.mark.usefixtures("database")


def test_of_equal_streaks_the_earlier_entry_leads_then_the_smaller_address() -> None:
    CurrentLevelFactory.create(survived_scans=5)
    for number, entry_time in ((1, START + 1), (3, START), (2, START)):
        CurrentPositionFactory.create(address=user(number), entry_time=entry_time, streak_base=2)
    CurrentPositionFactory.create(address=user(4), entry_time=START + 9, streak_base=1)
    streaks = longest_streaks(10).items
    assert [(one.rank, one.address, one.streak) for one in streaks] == [
        (1, user(4), 4),
        (2, user(2), 3),
        (3, user(3), 3),
        (4, user(1), 3),
    ]
    assert longest_streaks(2).items == streaks[:2]
    assert [one.address for one in longest_survivors(10).items] == [user(2), user(3), user(1), user(4)]


def test_who_left_the_array_of_users_keeps_the_streak_of_that_moment() -> None:
    """Later scans of the level no longer count for such a player (rule 6)."""
    CurrentLevelFactory.create(survived_scans=5)
    CurrentPositionFactory.create(address=user(1), streak_base=3, on_roster=False)
    CurrentPositionFactory.create(address=user(2), streak_base=3)
    assert [(one.address, one.streak) for one in longest_streaks(10).items] == [(user(1), 3), (user(2), 2)]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ALIVE])
def test_only_the_living_lead(status: Status) -> None:
    CurrentLevelFactory.create(survived_scans=5)
    CurrentPositionFactory.create(status=status, amount=1_000 * DATA)
    assert longest_streaks(10).items == longest_survivors(10).items == []
