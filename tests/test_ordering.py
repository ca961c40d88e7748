"""The order of the tests among workers."""

import pytest

from tests.ordering import LONG, spread
from tests.paths import PROJECT


def test_the_long_tests_exist() -> None:
    for name in LONG:
        path, _, test = name.partition("::")
        assert f"def {test}(" in (PROJECT / path).read_text(), f"{name} is in LONG, but no test any more"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_worker_but_the_first_can_begin_before_there_is_a_database(
    request: pytest.FixtureRequest, workers: int
) -> None:
    items = request.session.items
    ordered = spread(items, workers)
    assert sorted(ordered, key=id) == sorted(items, key=id)
    shares = [ordered[number * len(items) // workers] for number in range(1, workers)]
    whole = len({item.nodeid.partition("[")[0] for item in items} & set(LONG)) == len(LONG)
    assert all("template" not in item.fixturenames for item in shares if whole)  # type: ignore[attr-defined]
