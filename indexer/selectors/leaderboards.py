"""Players by streak, by survival, by earnings and by losses; ties go to the earlier entry, then by address."""

from dataclasses import dataclass
from datetime import datetime

from indexer.domain.positions import Status
from indexer.selectors.periods import Period
from indexer.selectors.positions import GHOST_STREAK
from indexer.selectors.rows import fetch, fetch_rows


@dataclass(frozen=True, slots=True)
class Survivor:
    """A living player: scans survived in a row, and since when, in unix seconds."""

    rank: int
    address: str
    level: int
    streak: int
    entry_time: int


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


def longest_streaks(limit: int) -> list[Survivor]:
    """The living players with the longest streaks."""
    return _survivors("streak DESC, entry_time, address", limit)


def longest_survivors(limit: int) -> list[Survivor]:
    """The living players who entered first."""
    return _survivors("entry_time, address", limit)


def top_earners(limit: int, period: Period, now: datetime) -> list[Earner]:
    """The players who were paid most rewards, claimed or extracted, in a period up to `now`."""
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
    """The players who lost most by dying in a period up to `now`."""
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
    rows = fetch_rows(
        f"SELECT address, level, {GHOST_STREAK} AS streak, entry_time FROM current_positions"
        f" WHERE status = '{Status.ALIVE}' ORDER BY {order} LIMIT %(limit)s",
        {"limit": limit},
    )
    return [Survivor(rank, *row) for rank, row in enumerate(rows, 1)]
