"""Databases on the tests' server: each test gets one of its own, copied from a migrated template."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

from django.db import connections
from psycopg import Connection, OperationalError

from indexer.store.database import connect
from indexer.timescale.features import has_timescaledb

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
"""This run of the tests, the same in all its workers."""
_NUMBERS = count()
SEASON_DATABASE = "ghostnet_season"
"""The database that `indexed_season` is copied from."""


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


def make_once(name: str, fill: Callable[[], object], template: str = "template1") -> str:
    """Let the first worker that asks make and fill a database, while the others wait; then all may copy it.

    Its comment names the run, so that what an earlier run left is made anew.
    """
    with default_database("postgres"), connect() as server:
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", (name,))  # until the session ends
        of_run = "SELECT FROM pg_database WHERE datname = %s AND shobj_description(oid, 'pg_database') = %s"
        if not server.execute(of_run, (name, RUN)).rowcount:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            with default_database(name):
                fill()
                with connect() as filled:
                    if has_timescaledb(connections["default"]):
                        filled.execute("SELECT _timescaledb_functions.stop_background_workers()")
            # TimescaleDB wakes its workers in a template that may be connected to, and one in use can't be copied.
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            server.execute(f"COMMENT ON DATABASE {name} IS '{RUN}'")
    return name


def copy_of(template: str) -> str:
    """The name of a new database with the contents of another, which nobody uses."""
    name = f"ghostnet_{WORKER}_{next(_NUMBERS)}"
    execute_on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def database_url(name: str) -> str:
    """The URL of a database on the tests' server."""
    return f"postgresql:///{name}?{_server()}"


@cache
def _server() -> str:
    """The parameters of a URL of the tests' server, the same for all its databases."""
    with connections["default"].cursor():
        info = connections["default"].connection.info
    parameters: dict[str, Any] = {"host": info.host, "port": info.port, "user": info.user, "password": info.password}
    return "&".join(f"{key}={value}" for key, value in parameters.items() if value)


_EMPTY_ALL_TABLES = r"""
DO $$ DECLARE name text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission') LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    DROP SCHEMA IF EXISTS base CASCADE;
END $$
"""


class Databases:
    """Lends databases for one test: copies of the template, emptied and lent again, since copying takes long.

    A test that changes the schema sets `spoiled`.
    """

    _idle: ClassVar[list[str]] = []
    _emptying: ClassVar[dict[str, Connection[Any]]] = {}
    """For each database a connection that is kept: a new one would read the catalog's rows of every table again."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._lent: list[str] = []
        self.spoiled = False

    def make(self) -> str:
        """The name of an empty, migrated database."""
        name = self._idle.pop() if self._idle else copy_of(self._template)
        self._lent.append(name)
        return name

    def give_back(self) -> None:
        """Return the databases of a test."""
        for name in self._lent:
            if self.spoiled:
                if name in self._emptying:
                    self._emptying.pop(name).close()
                execute_on_server(f"DROP DATABASE {name} WITH (FORCE)")
                continue
            self._empty(name)
            self._idle.append(name)

    def _empty(self, name: str) -> None:
        """End what is connected to a database, and empty its tables."""
        if name in self._emptying:
            try:
                self._emptying[name].execute(_EMPTY_ALL_TABLES)
            except OperationalError:  # the test ended all connections, or the server
                self._emptying.pop(name).close()
            else:
                return
        with default_database(name):
            self._emptying[name] = connect()
        self._emptying[name].execute(_EMPTY_ALL_TABLES)

    @classmethod
    def drop_idle(cls) -> None:
        """Drop all databases at the end of the session."""
        for connection in cls._emptying.values():
            connection.close()
        cls._emptying.clear()
        execute_on_server(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in cls._idle))
        cls._idle.clear()
