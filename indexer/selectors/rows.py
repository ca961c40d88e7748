"""Rows of a query as objects."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection

from indexer.domain.units import to_hex

T = TypeVar("T")


def fetch(kind: Callable[..., T], sql: str, parameters: Mapping[str, Any] | None = None) -> list[T]:
    """One object per row, its columns as the constructor's arguments in their order; values as by `fetch_rows`."""
    return [kind(*row) for row in fetch_rows(sql, parameters)]


def fetch_rows(sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a query: numbers as `int` (all of ours are whole), bytes as `0x` and hex digits."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [tuple(map(_plain, row)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, bytes | memoryview):
        return to_hex(bytes(value))
    return value
