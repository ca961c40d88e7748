"""An event loop's connections to the database: opening one, waiting for commit notifications, reading a row."""

import logging
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import connections
from psycopg import AsyncConnection, IsolationLevel

from indexer.store.checkpoint import HEAD_CHANNEL
from indexer.store.session import LIFT_TIME_OUTS, SET_SESSION

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS: Final = 10.0
"""Seconds without a commit notification after which a reader looks at the tables all the same."""


async def connect(name: str) -> AsyncConnection[Any]:
    """Open an autocommit connection to Django's default database; the server shows it as `application_name` `name`.

    All reads in one transaction of it see one snapshot (REPEATABLE READ). Raises psycopg.OperationalError.
    """
    parameters = await sync_to_async(connections["default"].get_connection_params, thread_sensitive=False)()
    for django in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(django, None)
    connection = await AsyncConnection.connect(**parameters, application_name=name, autocommit=True)
    try:
        await connection.execute(SET_SESSION)
        await connection.execute(LIFT_TIME_OUTS)
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    except BaseException:
        await connection.close()
        raise
    return connection


async def listen(connection: AsyncConnection[Any]) -> None:
    """Subscribe the connection to commit notifications (LISTEN). Warns where they may get lost."""
    await connection.execute(f"LISTEN {HEAD_CHANNEL}")
    if await fetch_one(connection, "SELECT pg_backend_pid()") != (connection.info.backend_pid,):
        logger.warning(
            "DATABASE_URL leads to a pooler: unless it keeps a session for each connection (pool_mode = session),"
            " commit notifications get lost, and what is new is seen up to %d s late",
            MAX_WAIT_SECONDS,
        )


async def notifications(connection: AsyncConnection[Any], seconds: float = MAX_WAIT_SECONDS) -> list[str]:
    """Wait for commit notifications, at most so many seconds; what they carry, in order."""
    return [one.payload async for one in connection.notifies(timeout=seconds, stop_after=1)]


async def wait_for_commit(connection: AsyncConnection[Any], seconds: float = MAX_WAIT_SECONDS) -> bool:
    """Wait for a commit notification, at most so many seconds; return whether one came."""
    return bool(await notifications(connection, seconds))


async def fetch_one(connection: AsyncConnection[Any], sql: str, parameters: Any = None) -> tuple[Any, ...] | None:
    """The first row of a query, None if it has none."""
    row: tuple[Any, ...] | None = await (await connection.execute(sql, parameters)).fetchone()
    return row
