"""Refresh the continuous aggregates: hourly before daily, complete buckets only, none that retention has cut."""

from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection, sql

from indexer.base.time_buckets import floor_to
from indexer.selectors.periods import Interval

WIDTHS: Final = {interval.grain: interval.width for interval in (Interval.HOUR, Interval.DAY)}
"""In the order of refreshing: the wide buckets are made of the narrow ones."""


def refresh_aggregates(connection: Connection[Any], finalized: datetime | None) -> str:
    """Store the aggregates of all buckets that end before the newest finalized block (its time, or None: none).

    Later buckets are computed on read: no new block and no expected reorg changes a stored one. TimescaleDB records in
    the writer's own transaction which buckets a write, a rollback or a rebuild has touched, so only those cost
    anything, and a crash before this loses nothing. What lies before a horizon of retention stays unchanged. Needs a
    connection in autocommit mode; does not block other sessions. Returns the summary of what was done.
    """
    if finalized is None:
        return "nothing to refresh"
    start = _first_whole_day(connection)
    refreshed = 0
    for grain, width in WIDTHS.items():
        for name, end in _views(connection, grain, floor_to(finalized, width)):
            if start is None or start < end:
                connection.execute(
                    sql.SQL("CALL refresh_continuous_aggregate({}, {}, {})").format(
                        sql.Literal(name), sql.Literal(start), sql.Literal(end)
                    )
                )
                refreshed += 1
    return f"{refreshed} aggregates refreshed"


def _views(connection: Connection[Any], grain: str, end: datetime) -> list[tuple[str, datetime]]:
    """The aggregates of a grain, and the time up to which each is to be refreshed.

    That is at least its watermark, up to which it was refreshed before: below it only stored buckets are read, also
    after a deep rollback.
    """
    rows = connection.execute(
        "SELECT view_name::text, greatest(%s, _timescaledb_functions.to_timestamp("
        "_timescaledb_functions.cagg_watermark(hypertable.id)))"
        " FROM timescaledb_information.continuous_aggregates JOIN _timescaledb_catalog.hypertable"
        " ON (schema_name, table_name) = (materialization_hypertable_schema, materialization_hypertable_name)"
        " WHERE view_schema = current_schema() AND view_name LIKE %s ORDER BY 1",
        (end, f"%_{grain}"),
    )
    return rows.fetchall()


def _first_whole_day(connection: Connection[Any]) -> datetime | None:
    """The first day from which on every table has all its rows; None if no table was cut."""
    row = connection.execute("SELECT max(before) FROM retention_horizons").fetchone()
    if row is None or row[0] is None:
        return None
    day = WIDTHS["daily"]
    return floor_to(row[0] + day - timedelta(microseconds=1), day)
