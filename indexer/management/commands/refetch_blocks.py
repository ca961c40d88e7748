"""Fetch indexed blocks again, and repair the archive where it differs from the node."""

from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from indexer.maintenance.refetch import refetch
from indexer.management.base import GhostnetCommand, block_number, stop_on_signals
from indexer.store.database import connect

MAX_PRINTED: Final = 20
"""Blocks that differ, at most, that are printed one by one."""


class Command(GhostnetCommand):
    """Compares the archived logs of blocks with the node's; the indexer then indexes anew what differs."""

    help = (
        "Fetch indexed blocks again, by their hashes, and compare them with the archive. Where they differ, everything"
        " from the first such block on is undone, and the next index_chain indexes it anew. The indexer must not run"
        " meanwhile, unless with --check."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("first", metavar="FROM", type=block_number, help="the first block to compare")
        parser.add_argument(
            "last", metavar="TO", type=block_number, nargs="?", help="the last one (default: the checkpoint)"
        )
        parser.add_argument("--check", action="store_true", help="only compare; exits 1 if something differs")

    def run(self, *, first: int, last: int | None, check: bool, **options: Any) -> None:
        stop = stop_on_signals()
        with connect() as connection, Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("refetch", total=None)

            def show(block: int) -> None:
                progress.update(task, total=None if last is None else last - first + 1, completed=block - first + 1)

            done = refetch(
                connection, settings.GHOSTNET.rpc_urls, first, last, mend=not check, stop=stop, on_progress=show
            )
        for difference in done.differing[:MAX_PRINTED]:
            self.stdout.write(str(difference))
        outcome = f"{len(done.differing)} differ" if done.differing else "nothing differs"
        if done.rollback is not None:
            undone = f"{done.rollback.depth} blocks, {done.rollback.rows_undone} rows undone"
            outcome += f"; rolled back to block {done.rollback.ancestor} ({undone}): run index_chain"
        self.stdout.write(f"blocks {done.first} to {done.last}: {outcome}")
        if check and done.differing:
            raise CommandError("the archive is not what the node serves; nothing was changed")
