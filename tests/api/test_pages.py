"""Lists with equal sort keys: no row is lost where a page ends between equal rows."""

from indexer.domain.positions import Status
from indexer.domain.units import DATA
from tests.api.answers import items_of
from tests.chains import START, user
from tests.factories import CheckpointFactory, CurrentLevelFactory, CurrentPositionFactory, CurrentProtocolFactory
from tests.web import web


def test_no_position_is_lost_or_repeated_between_pages_of_equal_ones(database: str) -> None:
    CheckpointFactory.create()
    CurrentProtocolFactory.create(reset_epoch=2)
    CurrentLevelFactory.create(survived_scans=4)
    for number in range(1, 8):
        CurrentPositionFactory.create(address=user(number), amount=100 * DATA, entry_time=START, epoch=1 + number % 2)
    CurrentPositionFactory.create(address=user(8), status=Status.EXTRACTED, amount=0)
    with web(database) as client:
        for order in ("amount", "entered_at", "streak"):
            for limit in (1, 2, 3, 7, 8):
                served = items_of(client, f"/positions?order={order}", limit)
                assert [one["address"].lower() for one in served] == [user(number) for number in range(7, 0, -1)]
        assert {one["address"].lower(): int(one["effective_amount"]) // DATA for one in served} == {
            user(number): 100 if number % 2 else 75 for number in range(1, 8)
        }, "a penalty of the reset is due once, and only from players who have not settled it"
