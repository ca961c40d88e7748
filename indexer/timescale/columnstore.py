"""Compress chunks that no reorg can reach any more."""

from typing import Any

from psycopg import Connection

from indexer.timescale.chunks import chunks_before
from indexer.timescale.plan import ChainTime, UpkeepPlan


def compress_chunks(connection: Connection[Any], time: ChainTime, plan: UpkeepPlan) -> str:
    """Move every chunk that is old enough, and wholly below the settled block, to the columnstore; each by itself."""
    if plan.compress_after is None or time.settled is None:
        return "nothing to compress"
    old = chunks_before(connection, min(time.now - plan.compress_after, time.settled))
    chunks = [chunk.name for chunk in old if not chunk.compressed]
    for chunk in chunks:
        connection.execute("SELECT compress_chunk(%s::regclass, if_not_compressed => true)", (chunk,))
    return f"{len(chunks)} chunks compressed"
