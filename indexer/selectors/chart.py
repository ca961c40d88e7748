"""The data of the chart of the value locked: the value over time, and the system resets."""

from dataclasses import dataclass
from datetime import datetime

from indexer.selectors.periods import Buckets
from indexer.selectors.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """The value locked at the end of a bucket, in wei; `changed`: something in that bucket changed it."""

    time: datetime
    tvl: int
    changed: bool


def tvl_points(buckets: Buckets) -> list[ChartPoint]:
    """The value at the end of each bucket, from the first one on in which there is any."""
    grain, floor = buckets.interval.grain, buckets.interval.floor
    parameters = {"start": buckets.start, "end": buckets.end}
    before = fetch_rows(
        f"SELECT total_value_locked FROM tvl_{grain} WHERE bucket < %(start)s ORDER BY bucket DESC LIMIT 1", parameters
    )
    rows = fetch_rows(
        f"SELECT bucket, total_value_locked FROM tvl_{grain} WHERE bucket >= %(start)s AND bucket < %(end)s"
        " ORDER BY bucket",
        parameters,
    )
    latest = {floor(time): tvl for time, tvl in rows}
    tvl: int | None = before[0][0] if before else None
    points: list[ChartPoint] = []
    for time in buckets:
        changed = time in latest
        tvl = latest.get(time, tvl)
        if tvl is not None:
            points.append(ChartPoint(time, tvl, changed))
    return points


def first_change() -> datetime | None:
    """The day of the first value."""
    rows = fetch_rows("SELECT bucket FROM tvl_daily ORDER BY bucket LIMIT 1")
    return rows[0][0] if rows else None


def resets_since(start: datetime) -> list[datetime]:
    """The times of the system resets from a time on, the first one first."""
    rows = fetch_rows(
        "SELECT block_time FROM system_resets WHERE block_time >= %(start)s ORDER BY id", {"start": start}
    )
    return [time for (time,) in rows]
