"""The results of audits, stored for operators."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

KEPT: Final = 10_000
MAX_LISTED: Final = 100
"""Differences, at most, that are stored one by one."""


def record_audit(
    connection: Connection[Any], block_number: int, views_checked: int, differences: Sequence[object], duration: float
) -> None:
    """Store the result of an audit (`duration` in seconds); only the newest 10,000 are kept."""
    report = "\n".join(map(str, differences[:MAX_LISTED]))
    row = connection.execute(
        "INSERT INTO audits (finished_at, block_number, views_checked, differences, duration_ms, report)"
        " VALUES (clock_timestamp(), %s, %s, %s, %s, %s) RETURNING id",
        (block_number, views_checked, len(differences), round(duration * 1000), report),
    ).fetchone()
    connection.execute("DELETE FROM audits WHERE id <= %s", (row[0] - KEPT if row else 0,))
