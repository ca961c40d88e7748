"""Print one hash over all chain-derived rows."""

from argparse import ArgumentParser
from typing import Any

from indexer.management.base import GhostnetCommand, block_number
from indexer.store.database import connect
from indexer.store.digest import state_digest


class Command(GhostnetCommand):
    """Prints a digest: equal chains give equal ones, however they were indexed."""

    help = "Print one hash over all chain-derived content up to a block."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at-block", type=block_number, help="any indexed block (default: the last one)")

    def run(self, *, at_block: int | None, **options: Any) -> None:
        with connect() as connection:
            self.stdout.write(state_digest(connection, at_block))
