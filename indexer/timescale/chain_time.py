"""The chain's time, by which upkeep decides how old history is: the checkpoint's block time, not the clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.domain.finality import finalized_block
from indexer.store.tables import block_datetime


@dataclass(frozen=True, slots=True)
class ChainTime:
    """The checkpoint's time, and that of the newest finalized block (None while there is none).

    `now` is at most the clock's time, so that a block from the future retires nothing.
    """

    now: datetime
    finalized: datetime | None


def chain_time(connection: Connection[Any], reorg_depth: int) -> ChainTime | None:
    """The chain's time at the checkpoint; None before anything is indexed."""
    checkpoint = connection.execute(
        "SELECT block_number, least(block_time, clock_timestamp()) FROM checkpoints WHERE block_number >= start_block"
    ).fetchone()
    if checkpoint is None:
        return None
    block_number, now = checkpoint
    finalized = connection.execute(
        "SELECT timestamp FROM blocks WHERE number <= %s ORDER BY number DESC LIMIT 1",
        (finalized_block(block_number, reorg_depth),),
    ).fetchone()
    return ChainTime(now, block_datetime(int(finalized[0])) if finalized else None)
