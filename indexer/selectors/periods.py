"""Buckets and periods of time: aligned in UTC, half-open, by the chain's time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from indexer.base.errors import GhostnetError
from indexer.base.time_buckets import floor_to

MAX_BUCKETS: Final = 5_000


class BadRange(GhostnetError):
    """A range of time that can't be answered."""

    help = "Give `from` before `to`, and a wider interval for long ranges."


_WIDTHS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_USUAL_SPANS: Final = {"hour": timedelta(days=7), "day": timedelta(days=90), "week": timedelta(weeks=52)}


class Interval(StrEnum):
    """The width of a bucket; a week is an ISO week, from Monday on."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def width(self) -> timedelta:
        return _WIDTHS[self.value]

    @property
    def usual_span(self) -> timedelta:
        """How far back a history in such buckets goes by default."""
        return _USUAL_SPANS[self.value]

    @property
    def grain(self) -> str:
        """The suffix in the names of the aggregates that such buckets are computed from."""
        return "hourly" if self is Interval.HOUR else "daily"

    def floor(self, time: datetime) -> datetime:
        """The start of the bucket that holds a time."""
        return floor_to(time, self.width)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that begin in [start, end), both aligned, in UTC."""

    interval: Interval
    start: datetime
    end: datetime

    @classmethod
    def covering(cls, interval: Interval, start: datetime, end: datetime) -> Self:
        """All buckets that hold a moment of [start, end). Raises BadRange for none, or for more than MAX_BUCKETS."""
        if start >= end:
            raise BadRange(f"the range from {start.isoformat()} to {end.isoformat()} is empty")
        first = interval.floor(start.astimezone(UTC))
        last = interval.floor(end.astimezone(UTC) - timedelta(microseconds=1)) + interval.width
        count = (last - first) // interval.width
        if count > MAX_BUCKETS:
            raise BadRange(
                f"the range has {count} buckets of a{'n' * (interval == 'hour')} {interval}, more than {MAX_BUCKETS}:"
                " take a shorter range, or a wider interval"
            )
        return cls(interval, first, last)

    @classmethod
    def up_to(
        cls, now: datetime, interval: Interval, start: datetime | None = None, end: datetime | None = None
    ) -> Self:
        """The buckets from `start` to `end`; without `end` up to the one that holds `now`, without `start` those of
        the interval's usual span before the end. Raises BadRange as `covering` does."""
        last = end or now + timedelta(seconds=1)
        return cls.covering(interval, start or last - interval.usual_span, last)

    def __iter__(self) -> Iterator[datetime]:
        time, width = self.start, self.interval.width
        while time < self.end:
            yield time
            time += width


class Period(StrEnum):
    """The last 24 hours, 7 days or 30 days up to the checkpoint, the current hour or day included; or all time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"

    @property
    def grain(self) -> str:
        """The suffix in the names of the aggregates that the period is computed from."""
        return "hourly" if self is Period.DAY else "daily"

    def since(self, now: datetime) -> datetime | None:
        """The start of the period up to `now`: a full hour for the day, midnight for the others; None for all."""
        if self is Period.ALL:
            return None
        if self is Period.DAY:
            return Interval.HOUR.floor(now) - timedelta(hours=23)
        return Interval.DAY.floor(now) - timedelta(days=6 if self is Period.WEEK else 29)
