"""Random histories: the tables are in the end those of a clean run (`make soak` plays many more).

Each history goes through 20 blocks of the busy recording, from one of three places, and draws what happens: forks up to
the deepest expected one, also of forks; restarts; ends of the indexer's session; nodes that fail, limit or lack the
contracts' state, so that the changes of a block are read by state or out of its transactions; a head that is polled or
pushed.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from indexer.store.database import connect
from tests.chains import recording
from tests.databases import Databases, default_database
from tests.indexer.sync.simulation import WINDOWS, Base, History, short_retry_pauses

TOGETHER = 10


class Bases:
    """A prepared database for each window, made when it is first needed."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._prepared: dict[tuple[str, int], tuple[str, Base]] = {}

    def of(self, seed: int) -> tuple[str, Base]:
        """The database and the base of a history. Those of one test have the same: a worker among three, which runs
        each third of the tests, prepares one."""
        window = name, first = WINDOWS[seed // TOGETHER % len(WINDOWS)]
        if window not in self._prepared:
            database = self._databases.make()
            with default_database(database):
                self._prepared[window] = database, Base.prepare(recording(name), first)
        return self._prepared[window]


@pytest.fixture(scope="module")
def bases(template: str, django_db_blocker: Any) -> Iterator[Bases]:
    with django_db_blocker.unblock():
        databases = Databases(template)
        yield Bases(databases)
        databases.give_back()


def play(seed: int, bases: Bases) -> None:
    name, base = bases.of(seed)
    with default_database(name), connect() as connection, short_retry_pauses():
        History(seed, base).run(connection)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    histories: int = metafunc.config.getoption("histories")
    metafunc.parametrize("first", range(0, histories, TOGETHER))


def test_every_history_ends_as_the_clean_run(first: int, bases: Bases, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        for seed in range(first, first + TOGETHER):
            play(seed, bases)
