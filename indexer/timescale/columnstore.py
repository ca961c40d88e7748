"""Compress chunks that no reorg can reach any more."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.timescale.plan import ChainTime, UpkeepPlan


def compress_chunks(connection: Connection[Any], time: ChainTime, plan: UpkeepPlan) -> str:
    """Move every chunk that is old enough, and wholly below the settled block, to the columnstore; each by itself."""
    if plan.compress_after is None or time.settled is None:
        return "nothing to compress"
    chunks = _chunks_before(connection, min(time.now - plan.compress_after, time.settled))
    for chunk in chunks:
        connection.execute("SELECT compress_chunk(%s::regclass, if_not_compressed => true)", (chunk,))
    return f"{len(chunks)} chunks compressed"


def _chunks_before(connection: Connection[Any], end: datetime) -> list[str]:
    """Chunks of our hypertables, not yet compressed, that end by then; oldest first."""
    rows = connection.execute(
        "SELECT format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks"
        " WHERE hypertable_schema = 'public' AND NOT is_compressed AND range_end <= %s ORDER BY range_end, 1",
        (end,),
    )
    return [name for (name,) in rows]
