"""Copies of the game's objects: blocks are applied to them on trial."""

from dataclasses import fields
from typing import Any

import pytest

from indexer.base.copying import copier
from indexer.domain.betting import Bet, Round
from indexer.domain.positions import Position, Status
from tests.chains import user

POSITION = Position(user(1), 2, 3, Status.ALIVE, 4, 5, 6, 7, 8, on_roster=True)


@pytest.mark.parametrize(
    "original", [POSITION, Round(1, 2, 3, 4, 5, 6, 7, 8, True, True), Bet(1, user(2), True, 3, True)], ids=type
)
def test_a_copy_has_the_same_values_and_can_be_changed_alone(original: Any) -> None:
    before = [getattr(original, field.name) for field in fields(original)]
    made = copier(type(original))(original)
    assert made == original
    for field in fields(original):
        setattr(made, field.name, None)
    assert [getattr(original, field.name) for field in fields(original)] == before
