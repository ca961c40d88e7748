"""The order of the tests among workers."""

from tests.ordering import LONG
from tests.paths import PROJECT


def test_the_long_tests_exist() -> None:
    for name in LONG:
        path, _, test = name.partition("::")
        assert f"def {test}(" in (PROJECT / path).read_text(), f"{name} is in LONG, but no test any more"
