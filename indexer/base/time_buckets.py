"""Buckets of time, aligned in UTC."""

from datetime import datetime, timedelta
from typing import Final

_MONDAY: Final = datetime.fromisoformat("2000-01-03T00:00:00+00:00")
"""Buckets are counted from here, as `time_bucket` counts them: weeks are ISO weeks."""


def floor_to(time: datetime, width: timedelta) -> datetime:
    """The start of the bucket that holds a time; buckets are half-open."""
    return time - (time - _MONDAY) % width
