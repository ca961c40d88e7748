"""The figures of the whole game, from the aggregates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from indexer.models import CurrentLevel, CurrentProtocol
from indexer.selectors.periods import Buckets, Period
from indexer.selectors.rows import fetch, fetch_rows

BURNED_BY: Final = {
    "tax": "token_tax",
    "deaths": "scan_flow",
    "culling": "culling_flow",
    "resets": "reset_flow",
    "bets": "round_flow",
    "buybacks": "buyback_flow",
}
"""The sources of burns, and the aggregates that hold them."""
_WHOLE: Final = {
    "level_deaths": ("death_count", "amount"),
    "emission_flow": ("emissions", "amount"),
    "toll_flow": ("tolls", "amount"),
    "buyback_flow": ("buybacks", "eth_spent", "data_received", "burned"),
    "reset_flow": ("resets", "penalty", "paid", "burned"),
    "token_tax": ("burned",),
    "scan_flow": ("burned",),
    "culling_flow": ("burned",),
    "round_flow": ("burned",),
}
"""The columns that are summed up over all time, by aggregate: in one query, as planning takes longer than reading."""


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
    protocol = CurrentProtocol.objects.first()
    (found,) = fetch_rows(f"SELECT * FROM {', '.join(_sums(name, columns) for name, columns in _WHOLE.items())}")
    whole = dict(zip(((name, column) for name, columns in _WHOLE.items() for column in columns), found, strict=True))
    resets = Resets(*(whole["reset_flow", column] for column in ("resets", "penalty", "paid")))
    return Stats(
        total_value_locked=int(protocol.total_value_locked) if protocol else 0,
        players=sum(CurrentLevel.objects.values_list("alive_count", flat=True)),
        deaths=Flow(whole["level_deaths", "death_count"], whole["level_deaths", "amount"]),
        burned=_with_total({source: whole[name, "burned"] for source, name in BURNED_BY.items()}),
        emissions=Flow(whole["emission_flow", "emissions"], whole["emission_flow", "amount"]),
        tolls=Flow(whole["toll_flow", "tolls"], whole["toll_flow", "amount"]),
        buybacks=Buybacks(*(whole["buyback_flow", column] for column in _WHOLE["buyback_flow"])),
        resets=resets,
    )


def burns() -> dict[str, int]:
    """What was burned since the start, in wei, by source and in `total`; every source is there."""
    burned = dict(fetch_rows("SELECT source, sum(amount) FROM burns_daily GROUP BY source"))
    return _with_total({source: burned.get(source, 0) for source in BURNED_BY})


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
    scans = {level: (executed, burned) for level, executed, burned in _by_level("scan_flow", "executed", "burned")}
    culled = {level: Flow(*flow) for level, *flow in _by_level("culling_flow", "culled", "amount")}
    emitted = {level: Flow(*flow) for level, *flow in _by_level("emission_flow", "emissions", "amount")}
    return [
        LevelStats(
            level=row.level,
            total_staked=int(row.total_staked),
            players=row.alive_count,
            deaths=died[row.level],
            scans=scans.get(row.level, (0, 0))[0],
            burned=scans.get(row.level, (0, 0))[1],
            culled=culled.get(row.level, Flow(0, 0)),
            emissions=emitted.get(row.level, Flow(0, 0)),
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


def _with_total(burned: dict[str, int]) -> dict[str, int]:
    return {"total": sum(burned.values()), **burned}


def _sums(name: str, columns: tuple[str, ...]) -> str:
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    return f"(SELECT {sums} FROM {name}_daily) AS {name}"


def _by_level(name: str, *columns: str) -> list[tuple[int, ...]]:
    sums = ", ".join(f"sum({column})" for column in columns)
    return fetch_rows(f"SELECT level, {sums} FROM {name}_daily GROUP BY level")
