"""The state of TimescaleDB for operators: hypertables, chunks, sizes, aggregates, and the last round of upkeep."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from indexer.timescale.features import has_timescaledb


@dataclass(frozen=True, slots=True)
class HypertableStatus:
    """A hypertable (or, with `aggregate`, the one behind that view); sizes in bytes, with indexes.

    `before` and `after` are the sizes of its compressed chunks before and after compression.
    """

    name: str
    aggregate: bool
    chunk_interval: str | None
    chunks: int
    compressed: int
    size: int
    before: int | None
    after: int | None

    @property
    def ratio(self) -> float | None:
        """The size of the compressed chunks before compression, divided by that after it."""
        return self.before / self.after if self.before and self.after else None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of a step of upkeep; `chain_time` is the checkpoint's at that time."""

    step: str
    finished_at: datetime
    chain_time: datetime
    duration_ms: int
    done: str


_HYPERTABLES = """
    WITH tables AS (
        SELECT hypertable_name::text AS name, false AS aggregate, hypertable_schema AS schema, hypertable_name AS table,
            compression_enabled AS compressed
        FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema()
        UNION ALL
        SELECT view_name, true, materialization_hypertable_schema, materialization_hypertable_name, compression_enabled
        FROM timescaledb_information.continuous_aggregates
    )
    SELECT name, aggregate, time_interval::text AS chunk_interval,
        (SELECT count(*) FROM show_chunks(format('%I.%I', schema, tables.table)::regclass)) AS chunks,
        coalesce(stats.number_compressed_chunks, 0) AS compressed,
        hypertable_size(format('%I.%I', schema, tables.table)::regclass) AS size,
        stats.before_compression_total_bytes AS before, stats.after_compression_total_bytes AS after
    FROM tables
    LEFT JOIN timescaledb_information.dimensions
        ON (hypertable_schema, hypertable_name) = (schema, tables.table)
    LEFT JOIN LATERAL hypertable_columnstore_stats(format('%I.%I', schema, tables.table)::regclass) AS stats
        ON tables.compressed
    ORDER BY aggregate, size DESC, name
"""


def hypertables(connection: Connection[Any]) -> list[HypertableStatus]:
    """Every hypertable, then every aggregate, the largest first."""
    with connection.cursor(row_factory=class_row(HypertableStatus)) as cursor:
        return cursor.execute(_HYPERTABLES).fetchall()


def last_runs(connection: Connection[Any]) -> list[LastRun]:
    """The last run of each step of upkeep."""
    with connection.cursor(row_factory=class_row(LastRun)) as cursor:
        return cursor.execute(
            "SELECT step, finished_at, chain_time, duration_ms, done FROM upkeep_runs ORDER BY finished_at"
        ).fetchall()


def horizons(connection: Connection[Any]) -> dict[str, datetime]:
    """The tables that retention has cut, and the time before which rows may be gone."""
    return dict(connection.execute("SELECT name, before FROM retention_horizons ORDER BY name").fetchall())


def approximate_rows(connection: Connection[Any], table: str) -> int:
    """The number of a table's rows according to the server's statistics, on plain PostgreSQL too."""
    sql = (
        "SELECT approximate_row_count(%s::regclass)"
        if has_timescaledb(connection)
        else "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"
    )
    (rows,) = connection.execute(sql, (table,)).fetchone() or (0,)
    return int(rows)
