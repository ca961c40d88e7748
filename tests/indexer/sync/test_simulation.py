"""Whatever happens on the way, the end is that of a clean run: random histories (`make soak` plays many more)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from indexer.store.database import connect
from tests.databases import Databases, default_database
from tests.indexer.sync.simulation import LENGTH, WINDOWS, Base, History, impatient_workers

TOGETHER = 15


class Bases:
    """A prepared database for each window, made when it is first needed."""

    def __init__(self, databases: Databases, make: Callable[[int], Base]) -> None:
        self._databases = databases
        self._make = make
        self._prepared: dict[int, tuple[str, Base]] = {}

    def of(self, seed: int) -> tuple[str, Base]:
        """The database and the base of a history."""
        window = WINDOWS[seed % len(WINDOWS)]
        if window not in self._prepared:
            name, base = self._databases.make(), self._make(window)
            with default_database(name):
                base.prepare()
            self._prepared[window] = (name, base)
        return self._prepared[window]


@pytest.fixture(scope="module")
def bases(
    template: str, season: list[RecordedBlock], truth: Truth, digest_at: Any, django_db_blocker: Any
) -> Iterator[Bases]:
    with django_db_blocker.unblock():
        databases = Databases(template)
        yield Bases(
            databases,
            lambda first: Base(first, digest_at(first + LENGTH), truth.contracts, season[: first + LENGTH + 1]),
        )
        databases.give_back()


def play(seed: int, bases: Bases) -> None:
    name, base = bases.of(seed)
    with default_database(name), connect() as connection, impatient_workers():
        History(seed, base).run(connection)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    histories: int = metafunc.config.getoption("histories")
    metafunc.parametrize("first", range(0, histories, TOGETHER))


def test_every_history_ends_as_the_clean_run(first: int, bases: Bases, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        for seed in range(first, first + TOGETHER):
            play(seed, bases)
