"""The order of tests among workers: slow ones start first, so that none starts last."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import pytest

LONG: Final = (
    "tests/indexer/sync/test_simulation.py::test_every_history_ends_as_the_clean_run",
    "tests/pages/test_admin.py::test_operators_who_see_or_point_otherwise_can_use_it",
    "tests/ghostnet/demo/test_demo.py::test_it_shows_the_chain_moving_and_ctrl_c_ends_everything",
    "tests/pages/test_spectators.py::test_people_who_see_or_point_otherwise_can_use_it",
    "tests/clients/test_typescript.py::test_it_has_what_the_tables_hold_through_forks_restarts_and_silence",
    "tests/pages/test_admin.py::test_every_table_can_be_read_and_none_changed",
    "tests/realtime/test_live.py::test_whatever_happens_each_client_has_seen_what_the_tables_hold",
    "tests/pages/test_spectators.py::test_a_scan_that_a_reorg_took_back_is_not_shown_on",
    "tests/clients/test_typescript.py::test_the_page_of_the_documents_is_live_from_another_origin",
    "tests/deploy/test_deployment.py::test_an_image_holds_files_under_names_that_change_with_them",
)
"""Tests of more than about six seconds, the longest first, without their parameters. What takes long because a fixture
of its module does is not among them: apart from its module it would need that fixture once more."""


def spread(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The items in an order in which each worker's share begins with its part of the long ones: those that need no
    database stand first, and the first worker has none of them, while it makes the database that all copy. As xdist's
    worksteal divides them, a share is a stretch of the whole, all of one length."""
    places = {item: LONG.index(name) for item in items if (name := item.nodeid.partition("[")[0]) in LONG}
    long = sorted(places, key=places.__getitem__)
    free = [item for item in long if "template" not in getattr(item, "fixturenames", ())]
    bound = [item for item in long if item not in free]
    others = iter([item for item in items if item not in places])
    ordered: list[pytest.Item] = []
    for number, length in enumerate(_lengths(len(items), workers)):
        begin = [*_first(free, number, workers), *bound[number::workers]]
        ordered += begin
        ordered += islice(others, max(0, length - len(begin)))
    return [*ordered, *others]


def _first(free: Sequence[pytest.Item], number: int, workers: int) -> Sequence[pytest.Item]:
    """A worker's part of the long tests without a database; the first has none, unless it is alone."""
    if workers == 1:
        return free
    return free[number - 1 :: workers - 1] if number else []


def _lengths(items: int, workers: int) -> Iterator[int]:
    for left in range(workers, 0, -1):
        yield items // left
        items -= items // left
