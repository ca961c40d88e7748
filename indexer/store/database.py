"""Connections of the indexer's own: psycopg on the database of Django's settings, and what can go wrong with them."""

import json
from typing import Any

import psycopg
from django import db
from psycopg import Connection

from indexer.base.errors import GhostnetError

DatabaseError = db.OperationalError | psycopg.OperationalError
"""Trouble with the server rather than with a statement."""

DATABASE_ERRORS = (db.OperationalError, psycopg.OperationalError)


class DatabaseUnusable(GhostnetError):
    """The database does not answer, or refuses to."""

    help = "Check DATABASE_URL; without it the embedded PostgreSQL is used."


class DatabaseFull(DatabaseUnusable):
    """The database's disk has no room left."""

    help = "Nothing of the batch at hand was written. Free some space for the database, then start the indexer again."


def connect(alias: str = "default") -> Connection[Any]:
    """A new connection in autocommit mode; the caller closes it. Raises django.db.OperationalError."""
    wrapper = db.connections.create_connection(alias)
    wrapper.inc_thread_sharing()
    wrapper.ensure_connection()
    connection: Connection[Any] = wrapper.connection
    connection.autocommit = True
    return connection


def explain(error: DatabaseError) -> DatabaseUnusable:
    """The failure by its name."""
    if _sqlstate(error) == "53100":
        return DatabaseFull(f"the database's disk is full: {error}")
    return DatabaseUnusable(f"the database can't be used: {error}")


def may_come_back(error: DatabaseError) -> bool:
    """Whether the connection was lost, or the server is starting or stopping: the next attempt may succeed.

    Classes 08 (connection), 57P (shutdown, crash, start) and 53300 (too many connections); none at all where the
    server said nothing any more.
    """
    state = _sqlstate(error)
    return state is None or state.startswith(("08", "57P")) or state == "53300"


def read_json(value: Any) -> Any:
    """A JSON column's value, whether or not the connection's loader has parsed it."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def _sqlstate(error: DatabaseError) -> str | None:
    cause = error.__cause__ if isinstance(error, db.OperationalError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None
