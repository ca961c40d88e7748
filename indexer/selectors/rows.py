"""SQL text, run on Django's connection: rows as plain Python values."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from django.db import connection
from psycopg import Connection, Cursor

from indexer.domain.units import to_hex
from indexer.selectors.timing import SECONDS

T = TypeVar("T")
PREPARE_THRESHOLD: Final = 3
"""How often a connection runs a statement before the server prepares it."""


def fetch(kind: Callable[..., T], sql: str, parameters: Mapping[str, Any] | None = None) -> list[T]:
    """One object per row, its columns as the constructor's arguments in their order; values as by `fetch_rows`.

    Raises django.db.OperationalError.
    """
    return [kind(*row) for row in fetch_rows(sql, parameters)]


def fetch_rows(sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query: numbers as `int` (no column has fractions), bytes as `0x` and hex digits.

    The server prepares the statement once per connection, which Django's own cursors never do; planning takes longer
    than most of these queries. Raises django.db.OperationalError.
    """
    raw = raw_connection()
    raw.prepare_threshold = PREPARE_THRESHOLD
    with SECONDS.time(), connection.wrap_database_errors, Cursor(raw) as cursor:
        return [tuple(map(plain, row)) for row in cursor.execute(sql, parameters).fetchall()]


def raw_connection() -> Connection[Any]:
    """psycopg's connection under Django's, opened if need be; it belongs to this thread."""
    connection.ensure_connection()
    raw: Connection[Any] = connection.connection
    return raw


def columns(alias: str, names: Iterable[str]) -> str:
    """Columns of a table for a SELECT: `alias.name, …`."""
    return ", ".join(f"{alias}.{name}" for name in names)


def plain(value: Any) -> Any:
    """A column's value as `fetch_rows` gives it."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, bytes | memoryview):
        return to_hex(bytes(value))
    return value
