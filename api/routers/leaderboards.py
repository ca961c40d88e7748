"""`/leaderboard`: the players who lead."""

from typing import Annotated

from ninja import Query, Router

from api import schemas
from api.answers import get
from indexer.selectors import leaderboards
from indexer.selectors.periods import Period
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["leaderboards"])

Limit = Annotated[int, Query(ge=1, le=500, description="How many rows, at most 500.")]


@get(router, "/streak", list[schemas.StreakLeader], "The longest streaks")
def streak_leaders(checkpoint: IndexedBlock, limit: Limit = 100) -> list[leaderboards.Survivor]:
    """The living by scans survived in a row; ties go to who entered first."""
    return leaderboards.longest_streaks(limit)


@get(router, "/survivors", list[schemas.Survivor], "The longest alive")
def survivors(checkpoint: IndexedBlock, limit: Limit = 100) -> list[leaderboards.Survivor]:
    """The living by the time of their entry."""
    return leaderboards.longest_survivors(limit)


@get(router, "/earnings", list[schemas.Earner], "The highest earnings")
def earners(checkpoint: IndexedBlock, limit: Limit = 100, period: Period = Period.ALL) -> list[leaderboards.Earner]:
    """Rewards paid, claimed or extracted."""
    return leaderboards.top_earners(limit, period, checkpoint.block_time)


@get(router, "/losses", list[schemas.Loser], "The highest losses")
def losers(checkpoint: IndexedBlock, limit: Limit = 100, period: Period = Period.ALL) -> list[leaderboards.Loser]:
    """Stakes lost by dying in scans."""
    return leaderboards.top_losers(limit, period, checkpoint.block_time)
