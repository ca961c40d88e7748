"""`/leaderboard`: the leading players, and one player's rank."""

from typing import Annotated, Any

from ninja import Query, Router

from api import schemas
from api.answers import get
from api.inputs import ACCOUNT_PATTERN, PeriodIn, optional_address
from indexer.selectors import leaderboards
from indexer.selectors.periods import Period
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["leaderboards"])

Board = leaderboards.Board[Any]
Limit = Annotated[int, Query(ge=1, le=500, description="How many rows, at most 500.")]
Me = Annotated[str | None, Query(pattern=ACCOUNT_PATTERN, description="Answer `me` and `total` for this player too.")]


@get(router, "/streak", schemas.StreakBoard, "The longest streaks")
def streak_leaders(checkpoint: IndexedBlock, limit: Limit = 100, address: Me = None) -> Board:
    """The living by scans survived in a row; ties go to the earlier entry."""
    return leaderboards.longest_streaks(limit, optional_address(address))


@get(router, "/survivors", schemas.SurvivorBoard, "The longest alive")
def survivors(checkpoint: IndexedBlock, limit: Limit = 100, address: Me = None) -> Board:
    """The living by the time of their entry."""
    return leaderboards.longest_survivors(limit, optional_address(address))


@get(router, "/staked", schemas.StakerBoard, "The largest stakes")
def stakers(checkpoint: IndexedBlock, limit: Limit = 100, address: Me = None) -> Board:
    """The living by stake; ties go to the earlier entry."""
    return leaderboards.largest_stakes(limit, optional_address(address))


@get(router, "/earnings", schemas.EarnerBoard, "The highest earnings")
def earners(checkpoint: IndexedBlock, limit: Limit = 100, period: PeriodIn = Period.ALL, address: Me = None) -> Board:
    """Rewards paid, claimed or extracted."""
    return leaderboards.top_earners(limit, period, checkpoint.block_time, optional_address(address))


@get(router, "/losses", schemas.LoserBoard, "The highest losses")
def losers(checkpoint: IndexedBlock, limit: Limit = 100, period: PeriodIn = Period.ALL, address: Me = None) -> Board:
    """Stakes lost by dying in scans."""
    return leaderboards.top_losers(limit, period, checkpoint.block_time, optional_address(address))
