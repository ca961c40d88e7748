"""What all positions of a level depend on beside their own rows: which players a commit concerns."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from indexer.domain.positions import Status
from indexer.domain.units import address_of, to_bytes

_READ: Final = """
    SELECT l.level, l.next_scan_time, l.acc_rewards_per_share, l.survived_scans, l.base_death_rate_bps,
        coalesce(g.reset_epoch, 0)
    FROM current_levels AS l LEFT JOIN current_protocol AS g ON true
"""
_PLAYERS: Final = f"""
    SELECT address FROM current_positions
    WHERE address = ANY(%s) AND level = ANY(%s) AND status <> '{Status.EXTRACTED}'
"""


class LevelStanding(NamedTuple):
    """What a level's positions are computed with: a finalized scan, rewards, a system reset or a new configuration
    change one of these. Times in unix seconds."""

    next_scan_time: int
    acc_rewards_per_share: int
    survived_scans: int
    base_death_rate_bps: int
    reset_epoch: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All levels by number."""

    levels: dict[int, LevelStanding]

    @property
    def scan_times(self) -> dict[int, int]:
        """The time of each level's next scan, in unix seconds."""
        return {number: level.next_scan_time for number, level in self.levels.items()}

    def changed_since(self, before: "Standing") -> list[int]:
        """The levels all of whose positions have changed."""
        return [number for number, level in self.levels.items() if before.levels.get(number) != level]


NOTHING: Final = Standing({})
"""Before anything is indexed."""


async def read_standing(connection: AsyncConnection[Any]) -> Standing:
    """The levels as they stand."""
    rows = await connection.execute(_READ, prepare=True)
    return Standing({level: LevelStanding(*map(int, row)) async for level, *row in rows})


async def players_on(connection: AsyncConnection[Any], levels: list[int], players: Collection[str]) -> set[str]:
    """Those of some players (lower-case addresses) who have a position on one of these levels."""
    if not levels or not players:
        return set()
    rows = await connection.execute(_PLAYERS, (list(map(to_bytes, players)), levels), prepare=True)
    return {address_of(address) async for (address,) in rows}
