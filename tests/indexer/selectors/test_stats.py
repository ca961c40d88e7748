"""Statistics and leaderboards, compared with the season's recorded truth."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from eth_utils.crypto import keccak

from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from indexer.selectors import flows, leaderboards, stats
from indexer.selectors.periods import BadRange, Buckets, Interval, Period
from indexer.selectors.rows import fetch_rows
from tests.databases import default_database

CLAIM_REWARDS = "372500ab"
EXTRACTED = "0x" + keccak(text="Extracted(address,uint256,uint256)").hex()
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@pytest.fixture(autouse=True)
def season_database(indexed_season: str, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), default_database(indexed_season):
        yield


@pytest.fixture
def now(season: list[RecordedBlock]) -> datetime:
    return time_of(season[-1])


@pytest.fixture
def state(truth: Truth) -> dict[str, Any]:
    """What the contracts answered at the last block."""
    answered: dict[str, Any] = truth.checkpoints["1007"]
    return answered


def time_of(block: RecordedBlock) -> datetime:
    return datetime.fromtimestamp(block.timestamp, UTC)


def test_the_game_as_a_whole(truth: Truth, state: dict[str, Any]) -> None:
    found = stats.stats()
    assert found.total_value_locked == int(state["totalValueLocked"])
    assert found.players == sum(level["aliveCount"] for level in state["levels"].values())
    deaths = truth.document["deaths"]
    assert found.deaths == stats.Flow(len(deaths), sum(int(death["amount"]) for death in deaths))
    resets = truth.document["resets"]
    assert found.resets.count == len(resets)
    assert found.resets.total_penalty == sum(int(reset["totalPenalty"]) for reset in resets)
    assert found.resets.paid == sum(int(reset["jackpotAmount"]) for reset in resets if reset["paidTo"])
    counts = state["eventCounts"]
    assert found.emissions.count == counts["GhostCore.EmissionsAdded"]
    assert found.tolls.count == counts["FeeRouter.TollCollected"]
    assert found.buybacks.count == counts["FeeRouter.BuybackExecuted"]
    assert found.burned == stats.burns()
    rows = fetch_rows("SELECT source, sum(amount)::numeric FROM burns_daily GROUP BY source")
    assert dict(rows) == {source: amount for source, amount in found.burned.items() if source != "total"}
    assert sum(amount for _, amount in rows) == found.burned["total"] > 0


def test_levels(truth: Truth, state: dict[str, Any], now: datetime) -> None:
    for level in stats.level_stats(now):
        answered = state["levels"][str(level.level)]
        assert (level.total_staked, level.players) == (int(answered["totalStaked"]), answered["aliveCount"])
        scans = [scan for scan in truth.document["scans"] if scan["level"] == level.level]
        assert level.scans == len(scans)
        culls = [int(cull["amount"]) for cull in truth.document["culls"] if cull["level"] == level.level]
        assert level.culled == stats.Flow(len(culls), sum(culls))
        assert level.emissions.count > 0


@pytest.mark.parametrize("period", Period)
def test_deaths_of_a_period(truth: Truth, season: list[RecordedBlock], now: datetime, period: Period) -> None:
    """Periods end with the current hour (the day) or the current day (the others), which count."""
    since = {
        Period.DAY: now.replace(minute=0, second=0) - 23 * HOUR,
        Period.WEEK: now.replace(hour=0, minute=0, second=0) - 6 * DAY,
        Period.MONTH: now.replace(hour=0, minute=0, second=0) - 29 * DAY,
        Period.ALL: datetime.min.replace(tzinfo=UTC),
    }[period]
    died = [death for death in truth.document["deaths"] if time_of(season[death["block"]]) >= since]
    assert died
    found = stats.deaths(period, now)
    assert [row.level for row in found] == [1, 2, 3, 4, 5]
    for row in found:
        here = [death for death in died if death["level"] == row.level]
        assert row.count == len(here)
        assert row.total_lost == sum(int(death["amount"]) for death in here)
        assert row.avg_streak == pytest.approx(sum(death["streak"] for death in here) / max(1, len(here)))
        assert row.longest_streak == max((death["streak"] for death in here), default=0)


@pytest.mark.parametrize("interval", Interval)
def test_the_value_locked_at_the_end_of_each_bucket(
    truth: Truth, season: list[RecordedBlock], interval: Interval
) -> None:
    """At the recorded checkpoints the contract itself said it; buckets without a block keep what was before."""
    start, end = time_of(season[100]), time_of(season[1007]) + HOUR
    points = stats.tvl_history(Buckets.covering(interval, start, end))
    assert {later.time - earlier.time for earlier, later in pairwise(points)} == {interval.width}
    if interval is Interval.WEEK:
        assert {point.time.isoweekday() for point in points} == {1}
    by_time = {point.time: point.tvl for point in points}
    times = [time_of(block) for block in season]
    checked = 0
    for number, answered in truth.checkpoints.items():
        bucket = interval.floor(times[int(number)])
        last_of_bucket = max(index for index, time in enumerate(times) if interval.floor(time) == bucket)
        if last_of_bucket == int(number):
            assert by_time[bucket] == int(answered["totalValueLocked"])
            checked += 1
            later = bucket + interval.width
            while later in by_time and later < times[min(int(number) + 1, 1007)] - interval.width:
                assert by_time[later] == by_time[bucket]
                later += interval.width
    assert checked > 0


def test_gaps_keep_the_last_known_value(season: list[RecordedBlock]) -> None:
    """Before the first block there is nothing; long after the last one the value stands."""
    first, last = time_of(season[0]), time_of(season[-1])
    before = stats.tvl_history(Buckets.covering(Interval.DAY, first - 3 * DAY, first - 2 * DAY))
    assert {point.tvl for point in before} == {0}
    after = stats.tvl_history(Buckets.covering(Interval.WEEK, last + WEEK, last + 5 * WEEK))
    assert {point.tvl for point in after} == {stats.stats().total_value_locked}


@pytest.mark.parametrize("interval", Interval)
def test_volume_is_whole_whatever_the_interval(
    state: dict[str, Any], season: list[RecordedBlock], interval: Interval
) -> None:
    points = flows.volume(Buckets.covering(interval, time_of(season[0]), time_of(season[-1]) + HOUR))
    assert sum(point.transfers for point in points) == state["eventCounts"]["DataToken.Transfer"]
    assert sum(point.tax_burned for point in points) == stats.burns()["tax"]
    assert 0 < sum(point.tax_collected for point in points) < sum(point.tax_burned for point in points)


def test_ranges_are_half_open_and_bounded() -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    assert list(Buckets.covering(Interval.DAY, start, start + DAY)) == [start]
    assert list(Buckets.covering(Interval.HOUR, start + HOUR / 2, start + HOUR)) == [start]
    assert list(Buckets.covering(Interval.WEEK, start + 6 * DAY, start + 8 * DAY)) == [start, start + WEEK]
    with pytest.raises(BadRange, match="empty"):
        Buckets.covering(Interval.DAY, start, start)
    with pytest.raises(BadRange, match="87648 buckets"):
        Buckets.covering(Interval.HOUR, start, start + 3652 * DAY)


def test_streaks_and_survivors_are_those_of_the_contract(state: dict[str, Any]) -> None:
    alive = {address: player for address, player in state["players"].items() if player["alive"]}
    streaks = leaderboards.longest_streaks(500).items
    assert {row.address: (row.level, row.streak) for row in streaks} == {
        address: (player["level"], player["ghostStreak"]) for address, player in alive.items()
    }
    assert [row.streak for row in streaks] == sorted((player["ghostStreak"] for player in alive.values()), reverse=True)
    assert [row.rank for row in streaks] == list(range(1, len(alive) + 1))
    survivors = leaderboards.longest_survivors(10).items
    assert [row.alive_since for row in survivors] == sorted(player["entryTimestamp"] for player in alive.values())[:10]


@pytest.mark.parametrize("period", [Period.ALL, Period.MONTH, Period.WEEK])
def test_losses_are_the_deaths(truth: Truth, season: list[RecordedBlock], now: datetime, period: Period) -> None:
    days = {Period.ALL: 10_000, Period.MONTH: 29, Period.WEEK: 6}[period]
    since = now.replace(hour=0, minute=0, second=0) - days * DAY
    lost: defaultdict[str, int] = defaultdict(int)
    times: Counter[str] = Counter()
    for death in truth.document["deaths"]:
        if time_of(season[death["block"]]) >= since:
            lost[death["user"]] += int(death["amount"])
            times[death["user"]] += 1
    expected = sorted(((-amount, user) for user, amount in lost.items()))
    found = leaderboards.top_losers(500, period, now).items
    assert [(-row.total_lost, row.address) for row in found] == expected
    assert {row.address: row.death_count for row in found} == dict(times)
    assert leaderboards.top_losers(3, period, now).items == found[:3]


def test_earnings_of_a_period_are_a_part_of_all(now: datetime) -> None:
    every = {row.address: row.earnings for row in leaderboards.top_earners(500, Period.ALL, now).items}
    month = {row.address: row.earnings for row in leaderboards.top_earners(500, Period.MONTH, now).items}
    week = {row.address: row.earnings for row in leaderboards.top_earners(500, Period.WEEK, now).items}
    assert len(week) < len(month) <= len(every)
    assert all(week[address] <= month[address] <= every[address] for address in week)


def test_earnings_are_what_extractions_name_and_claims_beside(
    truth: Truth, season: list[RecordedBlock], now: datetime
) -> None:
    """A claim, by a player or by its contract wallet, names nothing in the logs; who never claimed has exactly what the
    extractions say."""
    extracted: defaultdict[str, int] = defaultdict(int)
    claimers = set()
    for block in season:
        for transaction in block.txs:
            if transaction.input and CLAIM_REWARDS in transaction.input:
                claimers |= {transaction.sender.lower(), str(transaction.to).lower()}
            for log in transaction.logs:
                if log.address.lower() == truth.contracts["GhostCore"] and log.topics[:1] == [EXTRACTED]:
                    extracted["0x" + log.topics[1][-40:]] += int(log.data[66:130], 16)
    earned = {row.address: row.earnings for row in leaderboards.top_earners(500, Period.ALL, now).items}
    assert claimers & set(earned)
    for address in set(extracted) | set(earned):
        if address in claimers:
            assert earned.get(address, 0) >= extracted[address]
        else:
            assert earned.get(address, 0) == extracted[address], address
