"""The time from which on history is complete: upkeep has retired older rows of some tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError


class HistoryRetired(GhostnetError):
    """An operation needs rows that retention has deleted."""

    help = "Ask for a later block; GHOSTNET_KEEP_TRANSFERS_DAYS and GHOSTNET_KEEP_ARCHIVE_DAYS say what is kept."


def horizon(connection: Connection[Any], names: Sequence[str]) -> datetime | None:
    """The time before which rows of one of these tables may be gone; None if all are complete."""
    row = connection.execute("SELECT max(before) FROM retention_horizons WHERE name = ANY(%s)", (names,)).fetchone()
    return row[0] if row else None


def check_whole(connection: Connection[Any], names: Sequence[str], timestamp: int, what: str) -> None:
    """Raise HistoryRetired unless these tables have all rows from a time (unix seconds) on."""
    before = horizon(connection, names)
    if before is not None and timestamp < before.timestamp():
        raise HistoryRetired(f"{what} needs history from before {before:%Y-%m-%d %H:%M}Z, which is kept no longer")
