"""The sizes of the database and its tables, on any PostgreSQL."""

from dataclasses import dataclass

from indexer.models.queries import DATABASE_SIZE
from indexer.selectors.rows import fetch, fetch_rows


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table: its size in bytes with indexes, and its rows according to the server's statistics (-1: unknown)."""

    name: str
    size: int
    rows: int


def database_size() -> int:
    """The size of the whole database in bytes."""
    size: int = fetch_rows(DATABASE_SIZE)[0][0]
    return size


def largest_tables(limit: int) -> list[TableSize]:
    """The largest plain tables; those of hypertables' chunks are not among them."""
    return fetch(
        TableSize,
        "SELECT relname::text, pg_total_relation_size(oid), reltuples::bigint FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC, 1 LIMIT %(limit)s",
        {"limit": limit},
    )
