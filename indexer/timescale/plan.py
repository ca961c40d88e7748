"""What upkeep is to do: how old, in the chain's time, history gets before it is compressed or retired."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection

TRANSFERS: Final = ("token_transfers",)
"""Tables kept for `keep_transfers`, beside the token's events in the archive."""
TOKEN: Final = "DataToken"  # noqa: S105 - the name of a contract
ARCHIVE: Final = (
    "chain_events",
    "chain_blocks",
    "chain_transactions",
    "witness_answers",
    "emissions",
    "tolls",
)
"""Tables kept for `keep_archive`. All others are kept for ever: current rows are restored from their versions."""


@dataclass(frozen=True, slots=True)
class UpkeepPlan:
    """Ages in the chain's time, None for never; chunks that a reorg of `reorg_depth` blocks may touch stay as they
    are."""

    compress_after: timedelta | None
    keep_transfers: timedelta | None
    keep_archive: timedelta | None
    reorg_depth: int


@dataclass(frozen=True, slots=True)
class ChainTime:
    """The checkpoint's time, and that of the last block that no expected reorg can drop (None: there is none yet).

    At most our own time: a block from the future retires nothing.
    """

    now: datetime
    settled: datetime | None


def chain_time(connection: Connection[Any], reorg_depth: int) -> ChainTime | None:
    """The chain's time; None before anything is indexed."""
    row = connection.execute(
        "SELECT least(block_time, clock_timestamp()), (SELECT to_timestamp(least(timestamp, 253402300799)) FROM blocks"
        " WHERE number <= block_number - %s ORDER BY number DESC LIMIT 1)"
        " FROM checkpoints WHERE block_number >= start_block",
        (reorg_depth,),
    ).fetchone()
    return ChainTime(*row) if row else None
