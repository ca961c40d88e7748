"""Changes that left no log: found by the contracts' state, whatever the batches, and never believed from calldata."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.store.database import connect
from tests.chains import recording
from tests.databases import Databases, default_database
from tests.indexer.sync.recorded_views import differences, indexed_views, recorded_views
from tests.indexing import index

NAMES = ["busy", "traps"]


def node(name: str, options: ReplayOptions | None = None) -> ReplayServer:
    """A node that serves a recording and the contracts' state after each of its blocks."""
    recorded = recording(name)
    return ReplayServer(recorded.blocks, options, state=recorded.state)


def last_block(name: str) -> int:
    return len(recording(name).blocks) - 1


@pytest.fixture(scope="module")
def indexed(template: str, django_db_blocker: Any) -> Iterator[Callable[[str], str]]:
    """The name of a database with a whole recording, indexed in one go with its state served; to be read only."""
    with django_db_blocker.unblock():
        databases = Databases(template)

        def run(name: str) -> str:
            database = databases.make()
            with default_database(database), node(name) as server:
                index(server, recording(name).truth.contracts)
            return database

        yield cache(run)
        databases.give_back()


@pytest.fixture
def reading(indexed: Callable[[str], str], django_db_blocker: Any) -> Callable[[str], Connection[Any]]:
    raise NotImplementedError


@pytest.mark.parametrize("name", NAMES)
def test_after_every_block_the_tables_hold_what_the_contracts_answered(
    indexed: Callable[[str], str], django_db_blocker: Any, name: str
) -> None:
    with django_db_blocker.unblock(), default_database(indexed(name)), connect() as connection:
        ours = indexed_views(connection)
    assert differences(ours, recorded_views(name), last_block(name)) == []
