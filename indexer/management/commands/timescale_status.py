"""Show the sizes of TimescaleDB's tables, and what upkeep does with them."""

import sys
from typing import Any

from django.conf import settings
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from indexer.management.base import GhostnetCommand
from indexer.store.database import connect
from indexer.timescale.features import NoTimescale, has_timescaledb
from indexer.timescale.plan import RETIRED_ARCHIVE, RETIRED_TRANSFERS, TOKEN, UpkeepPlan
from indexer.timescale.status import HypertableStatus, LastRun, horizons, hypertables, last_runs


class Command(GhostnetCommand):
    """Prints sizes, compression ratios, policies and the last runs of upkeep."""

    help = "Print hypertables, chunks, sizes, compression ratios, policies and the last rounds of upkeep."

    def run(self, **options: Any) -> None:
        console = Console(width=None if sys.stdout.isatty() else 140)
        with connect() as connection:
            if not has_timescaledb(connection):
                raise NoTimescale("this database has no TimescaleDB: its tables are ordinary ones")
            (version,) = connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
            ).fetchone() or ("",)
            console.print(f"TimescaleDB {version}")
            console.print(sizes(hypertables(connection)))
            console.print(policies(settings.GHOSTNET.upkeep))
            for name, before in horizons(connection).items():
                console.print(f"retired: {name} before {before:%Y-%m-%d %H:%M}Z")
            console.print(runs(last_runs(connection)))


def sizes(tables: list[HypertableStatus]) -> Table:
    """One line per hypertable."""
    table = Table("hypertable", "kind", "chunk", title="Sizes, with indexes")
    for column in ("chunks", "compressed", "size", "before", "after", "ratio"):
        table.add_column(column, justify="right")
    for one in tables:
        table.add_row(
            one.name,
            "aggregate" if one.aggregate else "history",
            one.chunk_interval or "",
            str(one.chunks),
            str(one.compressed),
            decimal(one.size),
            decimal(one.before) if one.before else "",
            decimal(one.after) if one.after else "",
            f"{one.ratio:.1f}" if one.ratio else "",
        )
    return table


def policies(plan: UpkeepPlan) -> Table:
    """What upkeep does with history, by its age."""
    table = Table("policy", "of", "at the age of", title="Policies, by the chain's time")
    for policy, what, age in (
        ("refresh", "hourly, then daily aggregates", "the next bucket"),
        ("compress", "all history", plan.compress_after),
        ("retire", f"{', '.join(RETIRED_TRANSFERS)}, {TOKEN}'s events", plan.keep_transfers),
        ("retire", ", ".join(RETIRED_ARCHIVE), plan.keep_archive),
    ):
        table.add_row(policy, what, "never" if age is None else str(age).removesuffix(", 0:00:00"))
    return table


def runs(last: list[LastRun]) -> Table:
    """The last run of each step of upkeep."""
    table = Table("step", "finished", "at the chain's time", "took", "did", title="Last round of upkeep")
    for run in last:
        table.add_row(
            run.step,
            f"{run.finished_at:%Y-%m-%d %H:%M:%S}Z",
            f"{run.chain_time:%Y-%m-%d %H:%M:%S}Z",
            f"{run.duration_ms} ms",
            run.done,
        )
    return table
