"""Refresh the continuous aggregates: hourly before daily, complete buckets only, never what retention has emptied."""

from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection, sql

from indexer.base.buckets import floor_to

WIDTHS: Final = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}
"""The narrow before the wide, which are made of them."""


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
    refreshed = 0
    for grain, width in WIDTHS.items():
        for name, end in _views(connection, grain, floor_to(settled, width)):
            if start is None or start < end:
                connection.execute(
                    sql.SQL("CALL refresh_continuous_aggregate({}, {}, {})").format(
                        sql.Literal(name), sql.Literal(start), sql.Literal(end)
                    )
                )
                refreshed += 1
    return f"{refreshed} aggregates refreshed"


def _views(connection: Connection[Any], grain: str, end: datetime) -> list[tuple[str, datetime]]:
    """The aggregates of a grain, and up to when each is to be refreshed.

    That is at least as far as it has ever been, its watermark: what lies below is read from what is stored only, also
    where a deep rollback has taken the chain back.
    """
    rows = connection.execute(
        "SELECT view_name::text, greatest(%s, _timescaledb_functions.to_timestamp("
        "_timescaledb_functions.cagg_watermark(hypertable.id)))"
        " FROM timescaledb_information.continuous_aggregates JOIN _timescaledb_catalog.hypertable"
        " ON (schema_name, table_name) = (materialization_hypertable_schema, materialization_hypertable_name)"
        " WHERE view_schema = 'public' AND view_name LIKE %s ORDER BY 1",
        (end, f"%_{grain}"),
    )
    return rows.fetchall()


def _first_whole_day(connection: Connection[Any]) -> datetime | None:
    """From when on every table has all its rows; None if all are whole."""
    row = connection.execute("SELECT max(before) FROM retention_horizons").fetchone()
    if row is None or row[0] is None:
        return None
    day = WIDTHS["daily"]
    return floor_to(row[0] + day - timedelta(microseconds=1), day)
