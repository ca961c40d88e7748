"""The values of levels by which positions are computed, and the deadlines before which clients are warned."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from psycopg import AsyncConnection

from indexer.domain.positions import Status
from indexer.domain.units import address_of, to_bytes

_READ: Final = """
    SELECT l.level, l.next_scan_time, l.acc_rewards_per_share, l.survived_scans, l.base_death_rate_bps,
        coalesce(g.reset_epoch, 0), coalesce(g.reset_deadline, 0)
    FROM current_levels AS l LEFT JOIN current_protocol AS g ON true
"""
_ROUNDS: Final = """
    SELECT round_id, deadline FROM current_rounds, (SELECT max(timestamp) AS now FROM checkpoints) AS chain
    WHERE NOT resolved AND deadline BETWEEN now - 3600 AND now + 86400
"""
_PLAYERS: Final = f"""
    SELECT address FROM current_positions
    WHERE address = ANY(%s) AND level = ANY(%s) AND status <> '{Status.EXTRACTED}'
"""


class LevelValues(NamedTuple):
    """The values of a level that the positions on it are computed with.

    A finalized scan, rewards, a system reset or a new configuration changes one of them. Times in unix seconds.
    """

    next_scan_time: int
    acc_rewards_per_share: int
    survived_scans: int
    base_death_rate_bps: int
    reset_epoch: int


Deadline = tuple[Literal["scan", "reset", "round"], int]
"""What is due at a time: a level's scan, the system reset (0), the end of a round's bets."""


@dataclass(frozen=True, slots=True)
class LevelsAndDeadlines:
    """All levels by number, and what is due when, in unix seconds."""

    levels: dict[int, LevelValues]
    deadlines: dict[Deadline, int]

    def changed_since(self, before: "LevelsAndDeadlines") -> list[int]:
        """The levels all of whose positions have changed."""
        return [number for number, level in self.levels.items() if before.levels.get(number) != level]


NOTHING: Final = LevelsAndDeadlines({}, {})
"""The values before anything is indexed."""


async def read_levels_and_deadlines(connection: AsyncConnection[Any]) -> LevelsAndDeadlines:
    """The current levels and deadlines; those of rounds from an hour before the last block to a day after it."""
    levels, deadlines = dict[int, LevelValues](), dict[Deadline, int]()
    async for level, *row, reset in await connection.execute(_READ, prepare=True):
        levels[level] = LevelValues(*map(int, row))
        deadlines["scan", level] = levels[level].next_scan_time
        if reset:
            deadlines["reset", 0] = int(reset)
    async for number, deadline in await connection.execute(_ROUNDS, prepare=True):
        deadlines["round", int(number)] = int(deadline)
    return LevelsAndDeadlines(levels, deadlines)


async def players_on(connection: AsyncConnection[Any], levels: list[int], players: Collection[str]) -> set[str]:
    """Those of some players (lower-case addresses) who have a position on one of these levels."""
    if not levels or not players:
        return set()
    rows = await connection.execute(_PLAYERS, (list(map(to_bytes, players)), levels), prepare=True)
    return {address_of(address) async for (address,) in rows}
