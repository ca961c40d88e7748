"""Retire the oldest history: drop whole chunks, and delete the token's events from the archive.

Only tables are cut from which nothing is ever restored. How far each is cut is recorded in `retention_horizons`, in the
same transaction: a rebuild or a dump that needs more fails instead of being wrong.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.timescale.chunks import chunks_before
from indexer.timescale.plan import RETIRED_ARCHIVE, RETIRED_TRANSFERS, TOKEN, UpkeepPlan


def retire_history(connection: Connection[Any], now: datetime, plan: UpkeepPlan) -> str:
    """Drop what is older than the plan keeps; the summary of what was done.

    Aggregates must have been refreshed before: they keep the sums of what is dropped.
    """
    dropped = 0
    if plan.keep_transfers is not None:
        end = now - plan.keep_transfers
        dropped += _drop_chunks(connection, RETIRED_TRANSFERS, end)
        _drop_token_events(connection, end)
    if plan.keep_archive is not None:
        dropped += _drop_chunks(connection, RETIRED_ARCHIVE, now - plan.keep_archive)
    return f"{dropped} chunks dropped"


def _drop_chunks(connection: Connection[Any], tables: Sequence[str], end: datetime) -> int:
    """Drop the chunks of these tables that end at `end` or before; return how many."""
    old = [chunk for chunk in chunks_before(connection, end) if chunk.table in tables]
    for table, last in {chunk.table: chunk.end for chunk in old}.items():
        with connection.transaction():
            connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (table, end))
            _set_horizon(connection, table, last)
    return len(old)


def _drop_token_events(connection: Connection[Any], end: datetime) -> None:
    """Delete the token's events from the chunks of `chain_events` that end at `end` or before and still hold some."""
    row = connection.execute("SELECT before FROM retention_horizons WHERE name = 'chain_events'").fetchone()
    for chunk in chunks_before(connection, end):
        if chunk.table != "chain_events" or (row and chunk.end <= row[0]):
            continue
        with connection.transaction():
            connection.execute("SELECT decompress_chunk(%s::regclass, if_compressed => true)", (chunk.name,))
            connection.execute(
                "DELETE FROM chain_events WHERE contract = %s AND block_time >= %s AND block_time < %s",
                (TOKEN, chunk.start, chunk.end),
            )
            connection.execute("SELECT compress_chunk(%s::regclass)", (chunk.name,))
            _set_horizon(connection, "chain_events", chunk.end)


def _set_horizon(connection: Connection[Any], table: str, before: datetime) -> None:
    connection.execute(
        "INSERT INTO retention_horizons (name, before) VALUES (%s, %s)"
        " ON CONFLICT (name) DO UPDATE SET before = greatest(retention_horizons.before, EXCLUDED.before)",
        (table, before),
    )
