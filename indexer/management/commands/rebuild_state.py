"""Recompute the derived tables from the archived chain."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from indexer.maintenance.rebuild import Rebuilt, rebuild
from indexer.management.base import GhostnetCommand, block_number, stop_on_signals
from indexer.store.database import connect


class Command(GhostnetCommand):
    """Applies the current rules to the archive, without a node; nothing changes until all is computed."""

    help = (
        "Compute all derived tables anew from the archived chain, without a node, and put them in place of those that "
        "differ. The indexer must not run meanwhile. Ctrl-C leaves everything as it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-block", type=block_number, help="keep what was derived before this block (default: none)"
        )
        parser.add_argument("--check", action="store_true", help="only compare; exits 1 if something differs")

    def run(self, *, from_block: int | None, check: bool, **options: Any) -> None:
        stop = stop_on_signals()
        with connect() as connection, Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("rebuild")

            def show(first: int, last: int, block: int) -> None:
                progress.update(task, total=last - first + 1, completed=block - first + 1)

            rebuilt = rebuild(connection, from_block, swap=not check, stop=stop, on_progress=show)
        self._print_comparison(rebuilt)
        if check and rebuilt.differs:
            raise CommandError("the tables are not what today's rules make of the chain; nothing was changed")

    def _print_comparison(self, rebuilt: Rebuilt) -> None:
        for comparison in rebuilt.comparisons:
            if comparison.same:
                self.stdout.write(f"{comparison.table}: {comparison.rows_before} rows, the same")
            else:
                self.stdout.write(
                    f"{comparison.table}: {comparison.rows_before} rows before, {comparison.rows_after} now, different"
                )
        if rebuilt.newly_decoded:
            self.stdout.write(f"{rebuilt.newly_decoded} logs can be decoded now that could not be before")
        for name, wrong in rebuilt.wrong_totals.items():
            self.stdout.write(f"{name}: {wrong} rows are not the sums over history")
        outcome = "nothing differs" if not rebuilt.differs else "replaced" if rebuilt.swapped else "not replaced"
        self.stdout.write(f"blocks {rebuilt.first} to {rebuilt.last}: {outcome}")
