"""The figures of the whole game, from the aggregates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from indexer.models import CurrentLevel, CurrentProtocol
from indexer.selectors.periods import Buckets, Period
from indexer.selectors.rows import fetch, fetch_one, fetch_rows

BURN_SOURCES: Final = ("tax", "deaths", "culling", "resets", "bets", "buybacks")


@dataclass(frozen=True, slots=True)
class Flow:
    """How many, and how much in wei."""

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
    """Who died on a level: how many, the stakes lost in wei, the streaks that ended."""

    level: int
    count: int
    total_lost: int
    most_lost: int
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


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """What moved in a bucket: token transfers, and the tax of the taxed ones, in wei."""

    time: datetime
    transfers: int
    amount: int
    tax_burned: int
    tax_collected: int


def stats() -> Stats:
    """Everything since the start."""
    protocol = CurrentProtocol.objects.first()
    return Stats(
        total_value_locked=int(protocol.total_value_locked) if protocol else 0,
        players=sum(CurrentLevel.objects.values_list("alive_count", flat=True)),
        deaths=fetch_one(
            Flow, "SELECT coalesce(sum(death_count), 0), coalesce(sum(amount), 0) FROM level_deaths_daily"
        ),
        burned=burns(),
        emissions=fetch_one(
            Flow, "SELECT coalesce(sum(emissions), 0), coalesce(sum(amount), 0) FROM emission_flow_daily"
        ),
        tolls=_flow("toll_flow", "tolls"),
        buybacks=fetch_one(
            Buybacks,
            "SELECT coalesce(sum(buybacks), 0), coalesce(sum(eth_spent), 0), coalesce(sum(data_received), 0),"
            " coalesce(sum(burned), 0) FROM buyback_flow_daily",
        ),
        resets=fetch_one(
            Resets,
            "SELECT coalesce(sum(resets), 0), coalesce(sum(penalty), 0), coalesce(sum(paid), 0) FROM reset_flow_daily",
        ),
    )


def burns() -> dict[str, int]:
    """What was burned since the start, in wei, by source; every source is there."""
    burned = dict(fetch_rows("SELECT source, sum(amount) FROM burns_daily GROUP BY source"))
    return {source: burned.get(source, 0) for source in BURN_SOURCES}


def deaths(period: Period, now: datetime) -> list[LevelDeaths]:
    """Deaths per level in a period up to `now`; every level is there."""
    since = period.since(now)
    rows = fetch(
        LevelDeaths,
        "SELECT level, sum(death_count), sum(amount), max(most), sum(streaks), max(longest_streak)"
        f" FROM level_deaths_{period.grain} {'' if since is None else 'WHERE bucket >= %(since)s'} GROUP BY level",
        {"since": since},
    )
    found = {row.level: row for row in rows}
    levels = CurrentLevel.objects.order_by("level").values_list("level", flat=True)
    return [found.get(level, LevelDeaths(level, 0, 0, 0, 0, 0)) for level in levels]


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


def tvl_history(buckets: Buckets) -> list[TvlPoint]:
    """The value locked at the end of each bucket; where nothing changed, what it was before."""
    interval = buckets.interval
    known = dict(
        fetch_rows(
            f"SELECT bucket, total_value_locked FROM tvl_{interval.grain}"
            " WHERE bucket >= %(start)s AND bucket < %(end)s ORDER BY bucket",
            {"start": buckets.start, "end": buckets.end},
        )
    )
    latest = {interval.floor(time): tvl for time, tvl in known.items()}
    tvl, points = _tvl_before(buckets.start), []
    for time in buckets:
        tvl = latest.get(time, tvl)
        points.append(TvlPoint(time, tvl))
    return points


def volume(buckets: Buckets) -> list[VolumePoint]:
    """What moved in each bucket, also in those in which nothing did."""
    width, grain = buckets.interval.width, buckets.interval.grain
    parameters = {"start": buckets.start, "end": buckets.end, "width": width}
    rows = fetch(
        VolumePoint,
        "SELECT time_bucket(%(width)s, bucket) AS time, sum(transfers), sum(amount), sum(burned), sum(collected) FROM ("
        f" SELECT bucket, transfers, amount, 0 AS burned, 0 AS collected FROM token_volume_{grain}"
        "  WHERE bucket >= %(start)s AND bucket < %(end)s"
        f" UNION ALL SELECT bucket, 0, 0, burned, collected FROM token_tax_{grain}"
        "  WHERE bucket >= %(start)s AND bucket < %(end)s) AS moves GROUP BY 1",
        parameters,
    )
    found = {row.time: row for row in rows}
    return [found.get(time, VolumePoint(time, 0, 0, 0, 0)) for time in buckets]


def _tvl_before(time: datetime) -> int:
    """The value locked before a time."""
    rows = fetch_rows(
        "SELECT total_value_locked FROM protocol_states WHERE block_time < %(time)s"
        " ORDER BY block_time DESC, id DESC LIMIT 1",
        {"time": time},
    )
    return int(rows[0][0]) if rows else 0


def _flow(name: str, count: str) -> Flow:
    return fetch_one(Flow, f"SELECT coalesce(sum({count}), 0), coalesce(sum(amount), 0) FROM {name}_daily")


def _by_level(name: str, *columns: str) -> list[tuple[int, ...]]:
    sums = ", ".join(f"sum({column})" for column in columns)
    return fetch_rows(f"SELECT level, {sums} FROM {name}_daily GROUP BY level")
