"""Who leads: by streak, by survival, by earnings, by losses. Ties go to who came first, then by address."""

from dataclasses import dataclass
from datetime import UTC, datetime

from indexer.selectors.periods import Period
from indexer.selectors.rows import fetch


@dataclass(frozen=True, slots=True)
class Survivor:
    """A living player: scans survived in a row, and since when, in unix seconds."""

    rank: int
    address: str
    level: int
    streak: int
    entry_time: int

    @property
    def alive_since(self) -> datetime:
        """The moment of the entry."""
        return datetime.fromtimestamp(self.entry_time, UTC)


@dataclass(frozen=True, slots=True)
class Earner:
    """A player's rewards paid, in wei."""

    rank: int
    address: str
    earnings: int


@dataclass(frozen=True, slots=True)
class Loser:
    """A player's stakes lost by dying, in wei, and how often."""

    rank: int
    address: str
    total_lost: int
    death_count: int


_STREAK = "CASE WHEN on_roster THEN survived_scans - streak_base ELSE streak_base END"
"""`ghost_streak` in SQL."""


def longest_streaks(limit: int) -> list[Survivor]:
    """The living with the longest streaks."""
    return _survivors(f"{_STREAK} DESC, entry_time, address", limit)


def longest_survivors(limit: int) -> list[Survivor]:
    """The living who entered first."""
    return _survivors("entry_time, address", limit)


def top_earners(limit: int, period: Period, now: datetime) -> list[Earner]:
    """Whom the game paid most rewards, claimed or extracted, in a period up to `now`."""
    since = period.since(now)
    if since is None:
        source = "SELECT address, earned FROM account_totals WHERE earned > 0"
    else:
        source = (
            f"SELECT address, sum(earned) AS earned FROM player_earnings_{period.grain}"
            " WHERE bucket >= %(since)s GROUP BY address"
        )
    return fetch(
        Earner,
        "SELECT row_number() OVER (ORDER BY earned DESC, address), address, earned"
        f" FROM ({source}) AS players ORDER BY earned DESC, address LIMIT %(limit)s",
        {"since": since, "limit": limit},
    )


def top_losers(limit: int, period: Period, now: datetime) -> list[Loser]:
    """Who lost most by dying in a period up to `now`."""
    since = period.since(now)
    if since is None:
        source = "SELECT address, lost, deaths FROM account_totals WHERE deaths > 0"
    else:
        source = (
            f"SELECT address, sum(lost) AS lost, sum(death_count) AS deaths FROM player_losses_{period.grain}"
            " WHERE bucket >= %(since)s GROUP BY address"
        )
    return fetch(
        Loser,
        "SELECT row_number() OVER (ORDER BY lost DESC, address), address, lost, deaths"
        f" FROM ({source}) AS players ORDER BY lost DESC, address LIMIT %(limit)s",
        {"since": since, "limit": limit},
    )


def _survivors(order: str, limit: int) -> list[Survivor]:
    return fetch(
        Survivor,
        f"SELECT row_number() OVER (ORDER BY {order}), address, current_positions.level, {_STREAK}, entry_time"
        " FROM current_positions JOIN current_levels USING (level)"
        f" WHERE status = 'alive' ORDER BY {order} LIMIT %(limit)s",
        {"limit": limit},
    )
