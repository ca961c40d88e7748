"""Fixtures for all tests: databases, the recorded season, web servers on it."""

import gc
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import Connection

from ghostnet.database.embedded import EmbeddedPostgres
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.ranks import keep_ranks
from tests.chains import recording
from tests.databases import (
    SEASON_DATABASE,
    Databases,
    copy_of,
    database_url,
    default_database,
    execute_on_server,
    make_once,
)
from tests.indexing import index
from tests.ordering import spread
from tests.settings import SHARED_MEMORY
from tests.web import WebClient, web

SERVER: Path | None = settings.DATABASES["default"].get("EMBEDDED_IN")
"""The throw-away server's folder, unless DATABASE_URL names another server."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--histories", type=int, default=100, help="how many random histories the simulation plays")
    parser.addoption("--images", help="a folder for the pictures of the pages")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker among several, see `spread`; alone, tests run in the order of their files."""
    if hasattr(config, "workerinput"):
        items[:] = spread(items, config.workerinput["workercount"])


def pytest_collection_finish() -> None:
    """Exclude everything that was imported and collected from garbage collection: it stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller stops the throw-away server when all workers are done, and leaves nothing of it in memory."""
    if SERVER is not None and not hasattr(config, "workerinput"):
        EmbeddedPostgres(SERVER, durable=False).stop()
        if SHARED_MEMORY in SERVER.parents:
            shutil.rmtree(SERVER, ignore_errors=True)


@pytest.fixture(scope="session")
def template(django_db_blocker: Any) -> Iterator[str]:
    """The name of a migrated, empty database, to copy."""
    with django_db_blocker.unblock():
        name = make_once("ghostnet_template", lambda: call_command("migrate", verbosity=0))
        connections.settings["default"].pop("EMBEDDED_IN", None)  # it runs: no connection need look again
        yield name
        Databases.drop_idle()


@pytest.fixture
def databases(template: str, django_db_blocker: Any) -> Iterator[Databases]:
    """A factory of migrated databases, for tests that compare several."""
    made = Databases(template)
    with django_db_blocker.unblock():
        yield made
        made.give_back()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """A migrated database that Django's default connection uses; its URL, for other processes."""
    name = databases.make()
    with default_database(name):
        yield database_url(name)


@pytest.fixture
def connection(database: str) -> Iterator[Connection[Any]]:
    """A connection of the indexer's own to `database`."""
    with connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def season() -> list[RecordedBlock]:
    return recording("season").blocks


@pytest.fixture(scope="session")
def truth() -> Truth:
    return recording("season").truth


@pytest.fixture(scope="session")
def indexed_season(template: str, season: list[RecordedBlock], truth: Truth, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with the whole season, indexed in one go, and its daily ranks; to be read only."""

    def fill() -> None:
        with ReplayServer(season, truth=truth) as server:
            index(server, truth.contracts)
        with connect() as connection:
            keep_ranks(connection, reorg_depth=64)

    with django_db_blocker.unblock():
        name = copy_of(make_once(SEASON_DATABASE, fill, template))
        yield name
        execute_on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def season_web(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    """A web server on the whole season."""
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url) as server:
        yield server


@pytest.fixture(scope="session")
def digest_at(indexed_season: str, django_db_blocker: Any) -> Callable[[int], str]:
    """The state's digest after a block of the season, when it was indexed in one go."""

    def read(block: int) -> str:
        with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
            return state_digest(connection, block)

    return cache(read)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A `tests.pages.chromium.Chromium`, whose library is imported on first use."""
    started = import_module("tests.pages.chromium").Chromium()
    yield started
    started.close()
