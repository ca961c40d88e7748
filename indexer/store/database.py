"""Connections of the indexer's own: psycopg on the database of Django's settings, and their failures by name."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django import db
from psycopg import Connection

from indexer.base.errors import GhostnetError, Retryable
from indexer.store.session import LIFT_TIME_OUTS


class DatabaseUnusable(GhostnetError):
    """The database server refused a connection or a statement for a reason other than the statement itself."""

    help = "Check DATABASE_URL; without it the embedded PostgreSQL is used."


class DatabaseAway(DatabaseUnusable, Retryable):
    """The connection was lost, or the server is starting, stopping, or out of connections."""

    help = (
        "If it lasts: does the server that DATABASE_URL names run, and has it connections left (max_connections)?"
        " Without DATABASE_URL the embedded PostgreSQL is used."
    )


class DatabaseReadOnly(DatabaseUnusable, Retryable):
    """The server takes no writes: a standby, a failover under way, or `default_transaction_read_only`."""

    help = (
        "A failover ends this by itself. If it lasts, let DATABASE_URL name the primary, and see who set"
        " default_transaction_read_only, and why: some do it before a disk is full."
    )


class StatementCancelled(DatabaseUnusable, Retryable):
    """A statement or transaction was ended from outside: by a time-out, a deadlock, a conflict, a person."""

    help = (
        "All that it was a part of was rolled back. The indexer tries again by itself, a command can be started again;"
        " if it recurs, change what the message names."
    )


class DatabaseFull(DatabaseUnusable):
    """The database's disk has no room left."""

    help = "Nothing of the current batch was written. Free some space for the database, then start the indexer again."


SEND_BUFFER: Final = 4 << 20
"""Bytes; the most that the system lets an ordinary process ask for."""

_KINDS: Final[tuple[tuple[re.Pattern[str], type[DatabaseUnusable], str], ...]] = (
    (re.compile("53100"), DatabaseFull, "the database's disk is full"),
    (re.compile("25006"), DatabaseReadOnly, "the database takes no writes"),
    (re.compile("57014|55P03|40001|40P01|25P0[34]"), StatementCancelled, "the database ended what was under way"),
    (re.compile("08...|57P..|53300"), DatabaseAway, "the database can't be used"),
)
"""Failures by their SQLSTATE: 57014 cancelled, 55P03 lock not available, 40001 and 40P01 conflicts, 25P03 and 25P04
time-outs of transactions; 08 connections, 57P shutdown, crash and start, 53300 too many connections."""


def connect(alias: str = "default") -> Connection[Any]:
    """A new connection in autocommit mode; the caller closes it. Raises django.db.OperationalError."""
    wrapper = db.connections.create_connection(alias)
    wrapper.inc_thread_sharing()
    try:
        with wrapper.cursor() as cursor:
            cursor.execute(LIFT_TIME_OUTS)
        connection: Connection[Any] = wrapper.connection
        connection.autocommit = True
    except BaseException:
        wrapper.close()
        raise
    return connection


def enlarge_send_buffer(connection: Connection[Any]) -> None:
    """Let a connection by a local socket hold as much as a batch's rows of a table that the server has not read yet.

    The thread that copies them need not be woken, on busy cores, each time the server has read most of the usual 200
    kB. The kernel may allow less. The buffers of TCP grow by themselves, as long as nobody sets their size.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as local:
        if local.family == socket.AF_UNIX:
            local.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


@contextmanager
def database_failures() -> Iterator[None]:
    """Raise the driver's errors that are the server's, not the statement's own, as DatabaseUnusable.

    Raises DatabaseAway, DatabaseReadOnly and StatementCancelled where another attempt may succeed, DatabaseFull where
    the disk is full.
    """
    try:
        yield
    except (db.Error, psycopg.Error) as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise failure from error


def failure_of(error: db.Error | psycopg.Error) -> DatabaseUnusable | None:
    """The failure of a known class; None for an error of the statement itself."""
    if isinstance(error.__cause__, DatabaseUnusable):
        return error.__cause__
    state = sqlstate_of(error)
    for states, failure, what in _KINDS:
        if state is not None and states.fullmatch(state):
            return failure(f"{what}: {error}")
    if not isinstance(error, db.OperationalError | psycopg.OperationalError):
        return None
    # Without a state the server did not answer at all.
    return (DatabaseAway if state is None else DatabaseUnusable)(f"the database can't be used: {error}")


def sqlstate_of(error: db.Error | psycopg.Error) -> str | None:
    """The server's code of an error; None for one that is not the server's."""
    cause = error.__cause__ if isinstance(error, db.Error) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def read_json(value: Any) -> Any:
    """A JSON column's value, whether or not the connection's loader has parsed it."""
    return json.loads(value) if isinstance(value, str | bytes) else value
