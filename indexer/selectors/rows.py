"""Rows of a query as objects."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from django.db import connection
from psycopg import Cursor

from indexer.domain.units import to_hex
from indexer.selectors.timing import SECONDS

T = TypeVar("T")
PREPARED_AFTER: Final = 3
"""So many runs on a connection."""


def fetch(kind: Callable[..., T], sql: str, parameters: Mapping[str, Any] | None = None) -> list[T]:
    """One object per row, its columns as the constructor's arguments in their order; values as by `fetch_rows`."""
    return [kind(*row) for row in fetch_rows(sql, parameters)]


def fetch_rows(sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query: numbers as `int` (all of ours are whole), bytes as `0x` and hex digits.

    The server prepares it once a connection, which Django's own cursors never ask for; planning takes longer than most
    of our queries do. Raises django.db.OperationalError.
    """
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = PREPARED_AFTER
    with SECONDS.time(), connection.wrap_database_errors, Cursor(raw) as cursor:
        return [tuple(map(plain, row)) for row in cursor.execute(sql, parameters).fetchall()]


def plain(value: Any) -> Any:
    """A column's value as `fetch_rows` gives it."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, bytes | memoryview):
        return to_hex(bytes(value))
    return value
