"""Players by streak, survival, stake, earnings and losses; ties go to the earlier entry, then by address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from indexer.domain.positions import Status
from indexer.domain.units import Address, to_bytes
from indexer.models import DailyRank
from indexer.models.queries import RANKED_BY
from indexer.selectors.periods import Period
from indexer.selectors.positions import GHOST_STREAK
from indexer.selectors.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class Leader:
    """A player on a leaderboard: the level of the position, None for none, and the scans survived in a row.

    `previous_rank` is the rank at the end of the day before the last indexed block's (UTC, by the chain's time); None
    for a player without a rank then, and if it is not known (`indexer.models.DailyRank`).
    """

    rank: int
    address: str
    level: int | None
    streak: int
    previous_rank: int | None


@dataclass(frozen=True, slots=True)
class Survivor(Leader):
    """A living player: since when, in unix seconds."""

    alive_since: int


@dataclass(frozen=True, slots=True)
class Staker(Leader):
    """A living player's stake in wei."""

    amount: int


@dataclass(frozen=True, slots=True)
class Earner(Leader):
    """A player's rewards paid, in wei."""

    earnings: int


@dataclass(frozen=True, slots=True)
class Loser(Leader):
    """A player's stakes lost by dying, in wei, and how often."""

    total_lost: int
    death_count: int


Entry = TypeVar("Entry", bound=Leader)


@dataclass(frozen=True, slots=True)
class Place(Generic[Entry]):
    """A player's place among `total` ranked players."""

    entry: Entry
    total: int

    @property
    def rank(self) -> int:
        return self.entry.rank

    @property
    def previous_rank(self) -> int | None:
        return self.entry.previous_rank

    @property
    def percentile(self) -> float:
        """The percentage of ranked players who are no higher: 100 for the first."""
        return 100 * (self.total - self.rank + 1) / self.total


@dataclass(frozen=True, slots=True)
class Board(Generic[Entry]):
    """The leaders; where a player was asked for, that player's place (None if not ranked), and how many are ranked."""

    items: list[Entry]
    me: Place[Entry] | None
    total: int | None


@dataclass(frozen=True, slots=True)
class _Ranking(Generic[Entry]):
    """How a leaderboard is computed: a query of addresses and `values`, which has the columns of the board's order.

    Only what is of all time has daily ranks.
    """

    kind: Callable[..., Entry]
    board: DailyRank.Board
    players: str
    values: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def order(self) -> str:
        return RANKED_BY[self.board]


_PREVIOUS: Final = """
    SELECT rank FROM daily_ranks AS before
    WHERE day = (SELECT (block_time AT TIME ZONE 'UTC')::date - 1 FROM checkpoints)
        AND board = %(board)s AND before.address = chosen.address
"""
"""A lookup by key for each entry. A join is planned by statistics, which lack a day that was written since."""
_ALIVE: Final = f"FROM current_positions WHERE status = '{Status.ALIVE}'"
_STREAKS: Final = _Ranking(
    Leader,
    DailyRank.Board.STREAK,
    f"SELECT address, {GHOST_STREAK} AS streak, entry_time {_ALIVE}",
)
_SURVIVORS: Final = _Ranking(
    Survivor,
    DailyRank.Board.SURVIVORS,
    f"SELECT address, entry_time {_ALIVE}",
    values=("entry_time",),
)
_STAKERS: Final = _Ranking(
    Staker,
    DailyRank.Board.STAKED,
    f"SELECT address, amount, entry_time {_ALIVE}",
    values=("amount",),
)


def longest_streaks(limit: int, player: Address | None = None) -> Board[Leader]:
    """The living players with the longest streaks."""
    return _board(_STREAKS, limit, player)


def longest_survivors(limit: int, player: Address | None = None) -> Board[Survivor]:
    """The living players who entered first."""
    return _board(_SURVIVORS, limit, player)


def largest_stakes(limit: int, player: Address | None = None) -> Board[Staker]:
    """The living players with the largest stakes."""
    return _board(_STAKERS, limit, player)


def top_earners(limit: int, period: Period, now: datetime, player: Address | None = None) -> Board[Earner]:
    """The players who were paid most rewards, claimed or extracted, in a period up to `now`."""
    since = period.since(now)
    if since is None:
        source = "SELECT address, earned FROM account_totals WHERE earned > 0"
    else:
        source = (
            f"SELECT address, sum(earned) AS earned FROM player_earnings_{period.grain}"
            " WHERE bucket >= %(since)s GROUP BY address"
        )
    return _board(_Ranking(Earner, DailyRank.Board.EARNINGS, source, ("earned",), since), limit, player)


def top_losers(limit: int, period: Period, now: datetime, player: Address | None = None) -> Board[Loser]:
    """The players who lost most by dying in a period up to `now`."""
    since = period.since(now)
    if since is None:
        source = "SELECT address, lost, deaths FROM account_totals WHERE deaths > 0"
    else:
        source = (
            f"SELECT address, sum(lost) AS lost, sum(death_count) AS deaths FROM player_losses_{period.grain}"
            " WHERE bucket >= %(since)s GROUP BY address"
        )
    return _board(_Ranking(Loser, DailyRank.Board.LOSSES, source, ("lost", "deaths"), since), limit, player)


def _board(ranking: _Ranking[Entry], limit: int, player: Address | None) -> Board[Entry]:
    board = ranking.board if ranking.since is None else None
    parameters: dict[str, Any] = {"limit": limit, "since": ranking.since, "board": board}
    leaders = (
        f"SELECT row_number() OVER (ORDER BY {ranking.order}) AS rank, * FROM ({ranking.players}) AS players"
        f" ORDER BY {ranking.order} LIMIT %(limit)s"
    )
    if player is None:
        rows = fetch_rows(_entries(ranking, f"(SELECT *, NULL AS total FROM ({leaders}) AS leaders)"), parameters)
        return Board([ranking.kind(*row) for *row, _ in rows], None, None)
    everyone = (
        f"SELECT row_number() OVER (ORDER BY {ranking.order}) AS rank, *, count(*) OVER () AS total"
        f" FROM ({ranking.players}) AS players"
    )
    chosen = f"(SELECT * FROM ({everyone}) AS ranked WHERE rank <= %(limit)s OR address = %(player)s)"
    rows = fetch_rows(_entries(ranking, chosen), {**parameters, "player": to_bytes(player)})
    total = rows[0][-1] if rows else 0
    entries = [ranking.kind(*row) for *row, _ in rows]
    mine = next((Place(entry, total) for entry in entries if entry.address == player), None)
    return Board([entry for entry in entries if entry.rank <= limit], mine, total)


def _entries(ranking: _Ranking[Entry], chosen: str) -> str:
    """The query of chosen players' entries, each with its level, streak and previous rank, and the total."""
    values = "".join(f", chosen.{name}" for name in ranking.values)
    return f"""
        SELECT chosen.rank, chosen.address, level, coalesce(now.streak, 0), ({_PREVIOUS}){values}, total
        FROM {chosen} AS chosen LEFT JOIN LATERAL (
            SELECT level, {GHOST_STREAK} AS streak FROM current_positions
            WHERE current_positions.address = chosen.address AND status <> '{Status.EXTRACTED}'
        ) AS now ON true ORDER BY chosen.rank
    """
