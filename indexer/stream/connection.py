"""Connections of an event loop to the database: asking it, and being told of commits."""

from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import connections
from psycopg import AsyncConnection, IsolationLevel

from indexer.store.checkpoint import HEAD_CHANNEL

SILENCE: Final = 10.0
"""Seconds without word of a commit after which the database is asked all the same."""


async def connect(name: str) -> AsyncConnection[Any]:
    """A connection of one's own in autocommit mode to Django's default database; the server knows it by `name`.

    What it reads in a transaction it reads from one snapshot.

    Raises psycopg.OperationalError.
    """
    parameters = await sync_to_async(connections["default"].get_connection_params, thread_sensitive=False)()
    for django in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(django, None)
    connection = await AsyncConnection.connect(**parameters, application_name=name, autocommit=True)
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    return connection


async def listen(connection: AsyncConnection[Any]) -> None:
    """From now on be told of commits."""
    await connection.execute(f"LISTEN {HEAD_CHANNEL}")


async def word(connection: AsyncConnection[Any], seconds: float = SILENCE) -> bool:
    """Wait for a commit, but no longer than so many seconds; whether there was one."""
    return bool([one async for one in connection.notifies(timeout=seconds, stop_after=1)])


async def fetch_one(connection: AsyncConnection[Any], sql: str, parameters: Any = None) -> tuple[Any, ...] | None:
    """The first row of a query, None if it has none."""
    row: tuple[Any, ...] | None = await (await connection.execute(sql, parameters)).fetchone()
    return row
