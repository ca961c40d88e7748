"""Refresh the continuous aggregates: hourly before daily, complete buckets only, never what retention has emptied."""

from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection, sql

from indexer.timescale.operations import GRAINS

WIDTHS: Final = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}
EPOCH: Final = datetime.fromisoformat("2000-01-03T00:00:00+00:00")
"""Where buckets of days and weeks begin to be counted: a Monday."""


def refresh_aggregates(connection: Connection[Any], settled: datetime | None) -> str:
    """Make what is stored equal to what history says, for all buckets that end before the settled block (None: none).

    Later buckets are computed on read: no block that comes, and no reorg that is expected, changes a stored one.
    TimescaleDB notes in the writer's own transaction which buckets a write, a rollback or a rebuild has touched, so
    only those cost anything, and a crash before this loses nothing. What lies before a horizon of retention stays as
    it is. Needs a connection in autocommit mode; other sessions go on meanwhile.
    """
    if settled is None:
        return "nothing to refresh"
    start = _first_whole_day(connection)
    views = _views(connection)
    refreshed = 0
    for grain in GRAINS:
        end = floor_to(settled, WIDTHS[grain])
        if start is not None and start >= end:
            continue
        for name in views:
            if name.endswith(f"_{grain}"):
                connection.execute(
                    sql.SQL("CALL refresh_continuous_aggregate({}, {}, {})").format(
                        sql.Literal(name), sql.Literal(start), sql.Literal(end)
                    )
                )
                refreshed += 1
    return f"{refreshed} aggregates refreshed"


def floor_to(time: datetime, width: timedelta) -> datetime:
    """The start of the bucket (UTC) that holds a time."""
    return time - (time - EPOCH) % width


def _views(connection: Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT view_name::text FROM timescaledb_information.continuous_aggregates"
        " WHERE view_schema = 'public' ORDER BY 1"
    )
    return [name for (name,) in rows]


def _first_whole_day(connection: Connection[Any]) -> datetime | None:
    """From when on every table has all its rows; None if all are whole."""
    row = connection.execute("SELECT max(before) FROM retention_horizons").fetchone()
    if row is None or row[0] is None:
        return None
    day = WIDTHS["daily"]
    return floor_to(row[0] + day - timedelta(microseconds=1), day)
