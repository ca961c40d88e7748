"""SQL that runs on both kinds of connections: the indexer's own (`store`) and Django's (`selectors`)."""

from collections.abc import Mapping
from typing import Final

from indexer.models.ranks import DailyRank

BLOCK_TIMESTAMP: Final = """
    SELECT timestamp FROM blocks WHERE number = %(number)s
    UNION ALL (SELECT timestamp FROM chain_blocks WHERE id < %(end)s ORDER BY id DESC LIMIT 1) LIMIT 1
"""
"""The time in unix seconds of block `number`, after which the id `end` follows. An empty block whose header is no
longer kept has the time of the last block before it that was not empty."""

LAST_PAUSE_OR_RESUME: Final = """
    SELECT kind FROM operator_requests WHERE kind IN ('pause', 'resume') AND done_at IS NOT NULL AND NOT failed
    ORDER BY id DESC LIMIT 1
"""
"""The kind of the last request of these two that was run; indexing is paused if it is `pause`."""

DATABASE_SIZE: Final = "SELECT pg_database_size(current_database())"
"""The size of the whole database in bytes."""

RANKED_BY: Final[Mapping[DailyRank.Board, str]] = {
    DailyRank.Board.STREAK: "streak DESC, entry_time, address",
    DailyRank.Board.SURVIVORS: "entry_time, address",
    DailyRank.Board.STAKED: "amount DESC, entry_time, address",
    DailyRank.Board.EARNINGS: "earned DESC, address",
    DailyRank.Board.LOSSES: "lost DESC, address",
}
"""The order of each leaderboard: ties go to the earlier entry, then by address."""


def ghost_streak(survived_scans: str) -> str:
    """`domain.positions.ghost_streak` in SQL, of a position's columns and its level's survived scans."""
    return f"CASE WHEN on_roster THEN {survived_scans} - streak_base ELSE streak_base END"
