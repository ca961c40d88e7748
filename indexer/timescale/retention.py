"""Retire the oldest of what nothing is restored from: whole chunks, and the token's events out of the archive.

What is gone is on record (`retention_horizons`), in the same transaction: a rebuild or a dump that would need it says
so instead of being wrong.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.timescale.plan import ARCHIVE, TOKEN, TRANSFERS, UpkeepPlan


def retire_history(connection: Connection[Any], now: datetime, plan: UpkeepPlan) -> str:
    """Drop what is older than it is to be kept. Aggregates must have been refreshed before: they keep its sums."""
    dropped = 0
    if plan.keep_transfers is not None:
        for table in TRANSFERS:
            dropped += _drop_chunks(connection, table, now - plan.keep_transfers)
        _drop_token_events(connection, now - plan.keep_transfers)
    if plan.keep_archive is not None:
        for table in ARCHIVE:
            dropped += _drop_chunks(connection, table, now - plan.keep_archive)
    return f"{dropped} chunks dropped"


def _drop_chunks(connection: Connection[Any], table: str, end: datetime) -> int:
    """Drop a table's chunks that end by then; return how many."""
    with connection.transaction():
        chunks = _chunks(connection, table, end)
        if chunks:
            connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (table, end))
            _set_horizon(connection, table, chunks[-1][2])
    return len(chunks)


def _drop_token_events(connection: Connection[Any], end: datetime) -> None:
    """Delete the token's events from the archive's chunks that end by then, as far as that was not done before."""
    for chunk, first, last in _chunks(connection, "chain_events", end):
        with connection.transaction():
            done = connection.execute(
                "SELECT FROM retention_horizons WHERE name = 'chain_events' AND before >= %s", (last,)
            ).rowcount
            if done:
                continue
            connection.execute("SELECT decompress_chunk(%s::regclass, if_compressed => true)", (chunk,))
            connection.execute(
                "DELETE FROM chain_events WHERE contract = %s AND block_time >= %s AND block_time < %s",
                (TOKEN, first, last),
            )
            connection.execute("SELECT compress_chunk(%s::regclass)", (chunk,))
            _set_horizon(connection, "chain_events", last)


def _chunks(connection: Connection[Any], table: str, end: datetime) -> list[tuple[str, datetime, datetime]]:
    """A table's chunks that end by then, with their bounds, oldest first."""
    return connection.execute(
        "SELECT format('%%I.%%I', chunk_schema, chunk_name), range_start, range_end"
        " FROM timescaledb_information.chunks"
        " WHERE hypertable_schema = 'public' AND hypertable_name = %s AND range_end <= %s ORDER BY range_end",
        (table, end),
    ).fetchall()


def _set_horizon(connection: Connection[Any], table: str, before: datetime) -> None:
    connection.execute(
        "INSERT INTO retention_horizons (name, before) VALUES (%s, %s)"
        " ON CONFLICT (name) DO UPDATE SET before = greatest(retention_horizons.before, EXCLUDED.before)",
        (table, before),
    )
