"""Retire the oldest of what nothing is restored from: whole chunks, and the token's events out of the archive.

What is gone is on record (`retention_horizons`), in the same transaction: a rebuild or a dump that would need it says
so instead of being wrong.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.timescale.chunks import chunks_before
from indexer.timescale.plan import ARCHIVE, TOKEN, TRANSFERS, UpkeepPlan


def retire_history(connection: Connection[Any], now: datetime, plan: UpkeepPlan) -> str:
    """Drop what is older than it is to be kept. Aggregates must have been refreshed before: they keep its sums."""
    dropped = 0
    if plan.keep_transfers is not None:
        end = now - plan.keep_transfers
        dropped += _drop_chunks(connection, TRANSFERS, end)
        _drop_token_events(connection, end)
    if plan.keep_archive is not None:
        dropped += _drop_chunks(connection, ARCHIVE, now - plan.keep_archive)
    return f"{dropped} chunks dropped"


def _drop_chunks(connection: Connection[Any], tables: Sequence[str], end: datetime) -> int:
    """Drop these tables' chunks that end by then; return how many."""
    old = [chunk for chunk in chunks_before(connection, end) if chunk.table in tables]
    for table, last in {chunk.table: chunk.end for chunk in old}.items():
        with connection.transaction():
            connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (table, end))
            _set_horizon(connection, table, last)
    return len(old)


def _drop_token_events(connection: Connection[Any], end: datetime) -> None:
    """Delete the token's events from the archive's chunks that end by then, as far as that was not done before."""
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
