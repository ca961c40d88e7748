"""Connections of the indexer's own: psycopg on the database of Django's settings, and their failures by name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django import db
from psycopg import Connection

from indexer.base.errors import GhostnetError, Retryable


class DatabaseUnusable(GhostnetError):
    """The database server refused a connection or a statement for a reason other than the statement itself."""

    help = "Check DATABASE_URL; without it the embedded PostgreSQL is used."


class DatabaseAway(DatabaseUnusable, Retryable):
    """The connection was lost, or the server is starting, stopping, or out of connections."""


class DatabaseFull(DatabaseUnusable):
    """The database's disk has no room left."""

    help = "Nothing of the current batch was written. Free some space for the database, then start the indexer again."


def connect(alias: str = "default") -> Connection[Any]:
    """A new connection in autocommit mode; the caller closes it. Raises django.db.OperationalError."""
    wrapper = db.connections.create_connection(alias)
    wrapper.inc_thread_sharing()
    wrapper.ensure_connection()
    connection: Connection[Any] = wrapper.connection
    connection.autocommit = True
    return connection


@contextmanager
def database_failures() -> Iterator[None]:
    """Raise the driver's operational errors, those of the server rather than of a statement, as DatabaseUnusable.

    Raises DatabaseAway where another attempt may succeed, DatabaseFull where the disk is full.
    """
    try:
        yield
    except (db.OperationalError, psycopg.OperationalError) as error:
        raise _failure(error) from error


def _failure(error: db.OperationalError | psycopg.OperationalError) -> DatabaseUnusable:
    """The failure's class by its SQLSTATE; there is none where the server did not answer at all.

    Classes 08 (connection), 57P (shutdown, crash, start) and 53300 (too many connections) pass; 53100 is a full disk.
    """
    cause = error.__cause__ if isinstance(error, db.OperationalError) else error
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state == "53100":
        return DatabaseFull(f"the database's disk is full: {error}")
    away = state is None or state.startswith(("08", "57P")) or state == "53300"
    return (DatabaseAway if away else DatabaseUnusable)(f"the database can't be used: {error}")


def read_json(value: Any) -> Any:
    """A JSON column's value, whether or not the connection's loader has parsed it."""
    return json.loads(value) if isinstance(value, str | bytes) else value
