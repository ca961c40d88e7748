"""Databases for tests: each test gets one of its own, copied from a migrated template on a real server."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import Connection

from ghostnet.database.embedded import EmbeddedPostgres
from indexer.replay.recording import RecordedBlock, load_recording
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.timescale.features import has_timescaledb
from tests.indexing import index
from tests.paths import SEASON, SEASON_EXPECTED
from tests.web import WebClient, web

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--histories", type=int, default=60, help="how many random histories the simulation plays")
    parser.addoption("--images", help="a folder for the pictures of the pages")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller stops the throw-away server when all workers are done."""
    folder = settings.DATABASES["default"].get("EMBEDDED_IN")
    if folder is not None and not hasattr(config, "workerinput"):
        EmbeddedPostgres(folder, durable=False).stop()


@contextmanager
def default_database(name: str) -> Iterator[None]:
    """Let Django's default connection, and new ones, use another database of the same server."""
    before = connections.settings["default"]["NAME"]
    connections["default"].close()
    connections.settings["default"]["NAME"] = connections["default"].settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"]["NAME"] = connections["default"].settings_dict["NAME"] = before


def execute_on_server(*statements: str) -> None:
    with default_database("postgres"), connect() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="session")
def template(django_db_blocker: Any) -> Iterator[str]:
    """A migrated, empty database."""
    name = f"ghostnet_template_{WORKER}"
    with django_db_blocker.unblock():
        execute_on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        with default_database(name):
            call_command("migrate", verbosity=0)
            if has_timescaledb(connections["default"]):
                with connections["default"].cursor() as cursor:
                    cursor.execute("SELECT _timescaledb_functions.stop_background_workers()")
        # TimescaleDB wakes its workers in a template that may be connected to, and one in use can't be copied.
        execute_on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        yield name
        Databases.drop_idle()
        execute_on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_EMPTY_ALL_TABLES = r"""
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission') LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    DROP SCHEMA IF EXISTS base CASCADE;
END $$
"""


class Databases:
    """Lends databases for one test: copies of the template, emptied and lent again, since copying takes long.

    A test that changes the schema says so by `spoiled`.
    """

    _numbers = count()
    _idle: ClassVar[list[str]] = []

    def __init__(self, template: str) -> None:
        self._template = template
        self._lent: list[str] = []
        self.spoiled = False

    def make(self) -> str:
        """The name of an empty, migrated database."""
        name = self._idle.pop() if self._idle else self._copy_template()
        self._lent.append(name)
        return name

    def give_back(self) -> None:
        """Make room for the next test."""
        for name in self._lent:
            if self.spoiled:
                execute_on_server(f"DROP DATABASE {name} WITH (FORCE)")
                continue
            execute_on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            with default_database(name), connect() as connection:
                connection.execute(_EMPTY_ALL_TABLES)
            self._idle.append(name)

    @classmethod
    def drop_idle(cls) -> None:
        """At the end of the session nothing is left."""
        execute_on_server(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in cls._idle))
        cls._idle.clear()

    def _copy_template(self) -> str:
        name = f"ghostnet_{WORKER}_{next(self._numbers)}"
        execute_on_server(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {self._template}"
        )
        return name


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


def database_url(name: str) -> str:
    """The URL of a database on the tests' server."""
    with connections["default"].cursor():
        info = connections["default"].connection.info
    parameters: dict[str, Any] = {"host": info.host, "port": info.port, "user": info.user, "password": info.password}
    given = "&".join(f"{key}={value}" for key, value in parameters.items() if value)
    return f"postgresql:///{name}?{given}"


@pytest.fixture(scope="session")
def season() -> list[RecordedBlock]:
    return load_recording(SEASON)


@pytest.fixture(scope="session")
def truth() -> Truth:
    return Truth.load(SEASON_EXPECTED)


@pytest.fixture(scope="session")
def indexed_season(template: str, season: list[RecordedBlock], truth: Truth, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with the whole season, indexed in one go; to be read only."""
    with django_db_blocker.unblock():
        databases = Databases(template)
        name = databases.make()
        with default_database(name), ReplayServer(season, truth=truth) as server:
            index(server, truth.contracts)
        yield name
        databases.give_back()


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
