"""The figures of the whole game: since the start from the running totals, for a period from the aggregates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from indexer.models import CurrentLevel, GameTotal
from indexer.selectors.periods import Buckets, Period
from indexer.selectors.rows import fetch, fetch_rows

Kind = GameTotal.Kind
BURNED_BY: Final = {
    "tax": Kind.TAX,
    "deaths": Kind.CASCADE,
    "culling": Kind.CULLING,
    "resets": Kind.RESET,
    "bets": Kind.ROUND,
    "buybacks": Kind.BUYBACK,
}
"""The sources of burns, and the totals that hold what each burned since the start."""
_NOW: Final = """
    SELECT coalesce(sum(total_value_locked), 0), (SELECT coalesce(sum(alive_count), 0) FROM current_levels)
    FROM current_protocol
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """A number of events, and the sum of their amounts in wei."""

    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Buybacks:
    """All buybacks: ETH spent, DATA received and burned, in wei."""

    count: int
    eth_spent: int
    data_received: int
    data_burned: int


@dataclass(frozen=True, slots=True)
class Resets:
    """All system resets: penalties as announced, and what winners were paid, in wei."""

    count: int
    total_penalty: int
    paid: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The game as a whole since its start; amounts in wei."""

    total_value_locked: int
    players: int
    deaths: Flow
    burned: dict[str, int]
    emissions: Flow
    tolls: Flow
    buybacks: Buybacks
    resets: Resets


@dataclass(frozen=True, slots=True)
class LevelDeaths:
    """The deaths on a level: their number, the stakes lost in wei, the streaks that ended in scans."""

    level: int
    count: int
    total_lost: int
    streaks: int
    longest_streak: int

    @property
    def avg_streak(self) -> float:
        """Survived scans of those who died, on average."""
        return self.streaks / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class LevelStats:
    """A level now and since the start; amounts in wei."""

    level: int
    total_staked: int
    players: int
    deaths: LevelDeaths
    scans: int
    burned: int
    culled: Flow
    emissions: Flow


@dataclass(frozen=True, slots=True)
class TvlPoint:
    """The value locked at the end of a bucket, in wei."""

    time: datetime
    tvl: int


def stats() -> Stats:
    """Everything since the start."""
    ((locked, players),) = fetch_rows(_NOW)
    totals = _Totals()
    buybacks, resets = totals.of(Kind.BUYBACK), totals.of(Kind.RESET)
    return Stats(
        total_value_locked=locked,
        players=players,
        deaths=totals.of(Kind.DEATH).flow,
        burned=totals.burned(),
        emissions=totals.of(Kind.EMISSION).flow,
        tolls=totals.of(Kind.TOLL).flow,
        buybacks=Buybacks(buybacks.entries, buybacks.amount, buybacks.paid, buybacks.burned),
        resets=Resets(resets.entries, resets.amount, resets.paid),
    )


def burns() -> dict[str, int]:
    """What was burned since the start, in wei, by source and in `total`; every source is there."""
    return _Totals().burned()


def deaths(period: Period, now: datetime) -> list[LevelDeaths]:
    """Deaths per level in a period up to `now`; every level is there."""
    since = period.since(now)
    rows = fetch(
        LevelDeaths,
        "SELECT level, sum(death_count), sum(amount), sum(streaks), max(longest_streak)"
        f" FROM level_deaths_{period.grain} {'' if since is None else 'WHERE bucket >= %(since)s'} GROUP BY level",
        {"since": since},
    )
    found = {row.level: row for row in rows}
    levels = CurrentLevel.objects.order_by("level").values_list("level", flat=True)
    return [found.get(level, LevelDeaths(level, 0, 0, 0, 0)) for level in levels]


def level_stats(now: datetime) -> list[LevelStats]:
    """Each level now and since the start."""
    died = {row.level: row for row in deaths(Period.ALL, now)}
    totals = _Totals()
    return [
        LevelStats(
            level=row.level,
            total_staked=int(row.total_staked),
            players=row.alive_count,
            deaths=died[row.level],
            scans=totals.of(Kind.SCAN, row.level).entries,
            burned=totals.of(Kind.CASCADE, row.level).burned,
            culled=totals.of(Kind.CULLING, row.level).flow,
            emissions=totals.of(Kind.EMISSION, row.level).flow,
        )
        for row in CurrentLevel.objects.order_by("level")
    ]


def tvl_history(buckets: Buckets, level: int | None = None) -> list[TvlPoint]:
    """The value locked at the end of each bucket, on a level or on all; where nothing changed, what it was before."""
    interval = buckets.interval
    view, column = ("tvl", "total_value_locked") if level is None else ("level_tvl", "total_staked")
    source = f"{column} FROM {view}_{interval.grain} WHERE {'true' if level is None else 'level = %(level)s'}"
    parameters = {"start": buckets.start, "end": buckets.end, "level": level}
    before = fetch_rows(f"SELECT {source} AND bucket < %(start)s ORDER BY bucket DESC LIMIT 1", parameters)
    within = f"SELECT bucket, {source} AND bucket >= %(start)s AND bucket < %(end)s ORDER BY bucket"
    latest = {interval.floor(time): tvl for time, tvl in fetch_rows(within, parameters)}
    tvl, points = int(before[0][0]) if before else 0, []
    for time in buckets:
        tvl = latest.get(time, tvl)
        points.append(TvlPoint(time, tvl))
    return points


class _Total(NamedTuple):
    """A row of `game_totals`, or several added up."""

    entries: int = 0
    amount: int = 0
    burned: int = 0
    paid: int = 0

    @property
    def flow(self) -> Flow:
        return Flow(self.entries, self.amount)


class _Totals:
    """What happened of each kind since the start."""

    def __init__(self) -> None:
        self._rows = fetch_rows("SELECT kind, level, entries, amount, burned, paid FROM game_totals")

    def of(self, kind: GameTotal.Kind, level: int | None = None) -> _Total:
        """What happened on a level, or on all."""
        rows = [sums for name, on, *sums in self._rows if name == kind and level in (None, on)]
        return _Total(*map(sum, zip(*rows, strict=True)))

    def burned(self) -> dict[str, int]:
        """What was burned, by source and in `total`."""
        burned = {source: self.of(kind).burned for source, kind in BURNED_BY.items()}
        return {"total": sum(burned.values()), **burned}
