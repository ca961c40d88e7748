"""`/stats`: the figures of the game."""

from datetime import datetime

from ninja import Router

from api import schemas
from api.answers import get
from api.inputs import From, IntervalIn, PeriodIn, To
from indexer.selectors import stats
from indexer.selectors.periods import Buckets, Interval, Period
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["stats"])


@get(router, "", schemas.Stats, "Totals since the start")
def game_stats(checkpoint: IndexedBlock) -> stats.Stats:
    """Value locked and players now; deaths, burns, emissions, tolls, buybacks and resets since the start."""
    return stats.stats()


@get(router, "/levels", list[schemas.LevelStats], "The same per level")
def level_stats(checkpoint: IndexedBlock) -> list[stats.LevelStats]:
    """Each level now and since the start."""
    return stats.level_stats(checkpoint.block_time)


@get(router, "/tvl/history", list[schemas.TvlPoint], "The value locked over time")
def tvl_history(
    checkpoint: IndexedBlock, interval: IntervalIn = Interval.DAY, from_: From = None, to: To = None
) -> list[stats.TvlPoint]:
    """The value at the end of each bucket that holds a moment of [from, to); aligned in UTC, weeks begin on Mondays.

    Without `to` up to the indexed block, without `from` 7 days of hours, 90 days or 52 weeks before that.
    """
    return stats.tvl_history(_buckets(checkpoint, interval, from_, to))


@get(router, "/burns", schemas.Burns, "DATA burned, by source")
def burns(checkpoint: IndexedBlock) -> dict[str, int]:
    """What was burned since the start."""
    return stats.burns()


@get(router, "/deaths", list[schemas.LevelDeaths], "Deaths per level")
def deaths(checkpoint: IndexedBlock, period: PeriodIn = Period.ALL) -> list[stats.LevelDeaths]:
    """Deaths of the last 24 hours, 7 days, 30 days, the current hour or day included, or of all time."""
    return stats.deaths(period, checkpoint.block_time)


@get(router, "/volume", list[schemas.VolumePoint], "Token transfers and tax over time")
def volume(
    checkpoint: IndexedBlock, interval: IntervalIn = Interval.DAY, from_: From = None, to: To = None
) -> list[stats.VolumePoint]:
    """Token transfers and tax in each bucket; the range is that of `/stats/tvl/history`."""
    return stats.volume(_buckets(checkpoint, interval, from_, to))


def _buckets(checkpoint: IndexedBlock, interval: Interval, start: datetime | None, end: datetime | None) -> Buckets:
    return Buckets.up_to(checkpoint.block_time, interval, start, end)
