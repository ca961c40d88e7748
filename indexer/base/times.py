"""Unix seconds as calendar times: the contracts' integers can be later than any calendar holds."""

from datetime import UTC, datetime
from typing import Final

LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999: the latest time that Python, PostgreSQL and RFC 3339 can all represent."""


def utc_time(seconds: int) -> datetime | None:
    """The time in UTC of unix seconds; None if it is later than LAST_SECOND."""
    return datetime.fromtimestamp(seconds, UTC) if seconds <= LAST_SECOND else None
