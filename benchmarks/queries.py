"""Measure every analytic query on the database that `DATABASE_URL` names: `python -m benchmarks.queries [--explain]`.

`benchmarks.scale` makes it large. Times are of the selector: SQL, transport and objects.
"""

import os
import statistics
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import django

from benchmarks.clock import time_call

ROUNDS = 30


def queries() -> dict[str, Callable[[], Any]]:
    """The selectors behind `/stats/*` and `/leaderboard/*`, by path."""
    from indexer.selectors import flows, leaderboards, stats
    from indexer.selectors.periods import Buckets, Interval, Period
    from indexer.selectors.status import checkpoint

    row = checkpoint()
    assert row is not None, "nothing is indexed"
    now = row.block_time
    spans = {"hour": timedelta(days=30), "day": timedelta(days=90), "week": timedelta(days=364)}
    found: dict[str, Callable[[], Any]] = {
        "stats": stats.stats,
        "stats/levels": partial(stats.level_stats, now),
        "stats/burns": stats.burns,
    }
    for name, span in spans.items():
        buckets = Buckets.covering(Interval(name), now - span, now)
        found[f"stats/tvl/history {name}, {span.days} days"] = partial(stats.tvl_history, buckets)
        found[f"stats/volume {name}, {span.days} days"] = partial(flows.volume, buckets)
    for period in Period:
        found[f"stats/deaths {period}"] = partial(stats.deaths, period, now)
    found["leaderboard/streak 100"] = partial(leaderboards.longest_streaks, 100)
    found["leaderboard/survivors 100"] = partial(leaderboards.longest_survivors, 100)
    for period in (Period.ALL, Period.MONTH, Period.WEEK):
        found[f"leaderboard/earnings 100 {period}"] = partial(leaderboards.top_earners, 100, period, now)
        found[f"leaderboard/losses 100 {period}"] = partial(leaderboards.top_losers, 100, period, now)
    return found


def explained(query: Callable[[], Any]) -> str:
    """Print how many relations, chunks included, the plans of a selector's queries scan."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        query()
    scans = 0
    with connection.cursor() as cursor:
        for one in captured.captured_queries:
            cursor.execute("EXPLAIN " + one["sql"].replace("%", "%%"))
            scans += sum(" Scan" in line and " on " in line for (line,) in cursor.fetchall())
    return f"{scans} relations scanned"


def main() -> None:
    """Run each query for some rounds, and print the median and the slowest."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    django.setup()
    for name, query in queries().items():
        query()
        times = sorted(time_call(query)[0] * 1000 for _ in range(ROUNDS))
        plan = f"  {explained(query)}" if "--explain" in sys.argv else ""
        print(f"{name:32} median {statistics.median(times):8.2f} ms  slowest {times[-1]:8.2f} ms{plan}", flush=True)


if __name__ == "__main__":
    main()
