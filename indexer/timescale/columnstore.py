"""Compress the chunks of history that no expected reorg can touch."""

from typing import Any

from psycopg import Connection

from indexer.timescale.chain_time import ChainTime
from indexer.timescale.chunks import chunks_before
from indexer.timescale.plan import UpkeepPlan


def compress_chunks(connection: Connection[Any], time: ChainTime, plan: UpkeepPlan) -> str:
    """Compress every chunk that is old enough and ends before the newest finalized block, each in its own transaction.

    Returns the summary of what was done.
    """
    if plan.compress_after is None or time.finalized is None:
        return "nothing to compress"
    old = chunks_before(connection, min(time.now - plan.compress_after, time.finalized))
    chunks = [chunk.name for chunk in old if not chunk.compressed]
    for chunk in chunks:
        connection.execute("SELECT compress_chunk(%s::regclass, if_not_compressed => true)", (chunk,))
    return f"{len(chunks)} chunks compressed"
