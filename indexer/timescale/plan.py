"""The plan of upkeep: the ages, in the chain's time, at which history is compressed or retired."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

RETIRED_TRANSFERS: Final = ("token_transfers",)
"""Tables whose rows are retired at the age of `keep_transfers`, with the token's events in `chain_events`."""
TOKEN: Final = "DataToken"  # noqa: S105 - the name of a contract
RETIRED_ARCHIVE: Final = (
    "chain_events",
    "chain_blocks",
    "chain_transactions",
    "witness_answers",
    "emissions",
    "tolls",
)
"""Tables whose rows are retired at the age of `keep_archive`. All others are kept for ever: a rollback restores current
rows from their versions."""


@dataclass(frozen=True, slots=True)
class UpkeepPlan:
    """Ages in the chain's time, None for never.

    Chunks with blocks that a reorg of `reorg_depth` blocks can drop stay unchanged.
    """

    compress_after: timedelta | None
    keep_transfers: timedelta | None
    keep_archive: timedelta | None
    reorg_depth: int
