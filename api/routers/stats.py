"""`/stats`: the figures of the game."""

from datetime import datetime

from ninja import Router

from api import schemas
from api.answers import get
from api.inputs import (
    From,
    IntervalIn,
    LevelIn,
    PeriodIn,
    RoundTypeIn,
    To,
    optional_level,
    round_type_in,
)
from indexer.selectors import flows, stats
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
    checkpoint: IndexedBlock,
    *,
    interval: IntervalIn = Interval.DAY,
    from_: From = None,
    to: To = None,
    level: LevelIn = None,
) -> list[stats.TvlPoint]:
    """The value at the end of each bucket that holds a moment of [from, to); aligned in UTC, weeks begin on Mondays.

    Without `to` up to the indexed block, without `from` 7 days of hours, 90 days or 52 weeks before that.
    """
    return stats.tvl_history(_buckets(checkpoint, interval, from_, to), optional_level(level))


@get(router, "/flows", list[schemas.FlowPoint], "Who came and went over time")
def flow_history(
    checkpoint: IndexedBlock,
    *,
    interval: IntervalIn = Interval.DAY,
    from_: From = None,
    to: To = None,
    level: LevelIn = None,
) -> list[flows.FlowPoint]:
    """Entries, additions, exits, cullings and deaths in each bucket; the range is that of `/stats/tvl/history`."""
    return flows.flows(_buckets(checkpoint, interval, from_, to), optional_level(level))


@get(router, "/burns/history", list[schemas.BurnsPoint], "DATA burned over time")
def burns_history(
    checkpoint: IndexedBlock, interval: IntervalIn = Interval.DAY, from_: From = None, to: To = None
) -> list[flows.BurnsPoint]:
    """What was burned in each bucket, by source; the range is that of `/stats/tvl/history`."""
    return flows.burns_history(_buckets(checkpoint, interval, from_, to))


@get(router, "/bets/history", list[schemas.BetsPoint], "Bets over time")
def bets_history(
    checkpoint: IndexedBlock,
    *,
    interval: IntervalIn = Interval.DAY,
    from_: From = None,
    to: To = None,
    type_: RoundTypeIn = None,
) -> list[flows.BetsPoint]:
    """Bets placed and winnings claimed in each bucket; the range is that of `/stats/tvl/history`."""
    return flows.bets_history(_buckets(checkpoint, interval, from_, to), round_type_in(type_))


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
) -> list[flows.VolumePoint]:
    """Token transfers and tax in each bucket; the range is that of `/stats/tvl/history`."""
    return flows.volume(_buckets(checkpoint, interval, from_, to))


def _buckets(checkpoint: IndexedBlock, interval: Interval, start: datetime | None, end: datetime | None) -> Buckets:
    return Buckets.up_to(checkpoint.block_time, interval, start, end)
