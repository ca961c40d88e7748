"""The results of audits, stored for operators."""

from typing import Any, Final

from psycopg import Connection

KEPT: Final = 10_000


def record_audit(
    connection: Connection[Any], block_number: int, views_checked: int, differences: int, duration: float
) -> None:
    """Store the result of an audit (`duration` in seconds); only the newest 10,000 are kept."""
    row = connection.execute(
        "INSERT INTO audits (finished_at, block_number, views_checked, differences, duration_ms)"
        " VALUES (clock_timestamp(), %s, %s, %s, %s) RETURNING id",
        (block_number, views_checked, differences, round(duration * 1000)),
    ).fetchone()
    connection.execute("DELETE FROM audits WHERE id <= %s", (row[0] - KEPT if row else 0,))
