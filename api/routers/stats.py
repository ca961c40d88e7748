"""`/stats`: the figures of the game."""

from datetime import timedelta
from typing import Any, Final

from ninja import Router

from api import schemas
from api.answers import get
from api.inputs import From, To
from indexer.selectors import stats
from indexer.selectors.periods import Buckets, Interval, Period
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["stats"])

DEFAULT_SPANS: Final = {
    Interval.HOUR: timedelta(days=7),
    Interval.DAY: timedelta(days=90),
    Interval.WEEK: timedelta(days=364),
}


@get(router, "", schemas.Stats, "Totals since the start")
def game_stats(checkpoint: IndexedBlock) -> dict[str, Any]:
    """Value locked and players now; deaths, burns, emissions, tolls, buybacks and resets since the start."""
    found = stats.stats()
    return {
        "total_value_locked": found.total_value_locked,
        "players": found.players,
        "deaths": found.deaths,
        "burned": _burns(found.burned),
        "emissions": found.emissions,
        "tolls": found.tolls,
        "buybacks": found.buybacks,
        "resets": found.resets,
    }


@get(router, "/levels", list[schemas.LevelStats], "The same per level")
def level_stats(checkpoint: IndexedBlock) -> list[dict[str, Any]]:
    """Each level now and since the start."""
    return [
        {
            "level": schemas.LevelName.of(row.level),
            "total_staked": row.total_staked,
            "players": row.players,
            "deaths": _level_deaths(row.deaths),
            "scans": row.scans,
            "burned": row.burned,
            "culled": row.culled,
            "emissions": row.emissions,
        }
        for row in stats.level_stats(checkpoint.block_time)
    ]


@get(router, "/tvl/history", list[schemas.TvlPoint], "The value locked over time")
def tvl_history(
    checkpoint: IndexedBlock, interval: Interval = Interval.DAY, from_: From = None, to: To = None
) -> list[stats.TvlPoint]:
    """The value at the end of each bucket that holds a moment of [from, to); aligned in UTC, weeks begin on Mondays.

    Without `to` up to the indexed block, without `from` 7 days of hours, 90 days or 52 weeks before that.
    """
    return stats.tvl_history(_buckets(checkpoint, interval, from_, to))


@get(router, "/burns", schemas.Burns, "DATA burned, by source")
def burns(checkpoint: IndexedBlock) -> dict[str, int]:
    """What was burned since the start."""
    return _burns(stats.burns())


@get(router, "/deaths", list[schemas.LevelDeaths], "Deaths per level")
def deaths(checkpoint: IndexedBlock, period: Period = Period.ALL) -> list[dict[str, Any]]:
    """Deaths of the last 24 hours, 7 days, 30 days, the current hour or day included, or of all time."""
    return [_level_deaths(row) for row in stats.deaths(period, checkpoint.block_time)]


@get(router, "/volume", list[schemas.VolumePoint], "Token transfers and tax over time")
def volume(
    checkpoint: IndexedBlock, interval: Interval = Interval.DAY, from_: From = None, to: To = None
) -> list[stats.VolumePoint]:
    """What moved in each bucket; the range is that of `/stats/tvl/history`."""
    return stats.volume(_buckets(checkpoint, interval, from_, to))


def _buckets(checkpoint: IndexedBlock, interval: Interval, from_: Any, to: Any) -> Buckets:
    end = to or checkpoint.block_time + timedelta(seconds=1)
    return Buckets.covering(interval, from_ or end - DEFAULT_SPANS[interval], end)


def _burns(burned: dict[str, int]) -> dict[str, int]:
    return {"total": sum(burned.values()), **burned}


def _level_deaths(row: stats.LevelDeaths) -> dict[str, Any]:
    return {
        "level": schemas.LevelName.of(row.level),
        "count": row.count,
        "total_lost": row.total_lost,
        "avg_streak": row.avg_streak,
        "longest_streak": row.longest_streak,
    }
