"""Print the state after a block as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from indexer.maintenance.dump import dump_state
from indexer.management.base import GhostnetCommand, block_number
from indexer.store.database import connect


class Command(GhostnetCommand):
    """Prints the results of the contracts' views, computed from the tables."""

    help = "Print the state after a block as JSON, with the names of the contracts' views; amounts in wei."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at-block", type=block_number, help="any indexed block (default: the last one)")

    def run(self, *, at_block: int | None, **options: Any) -> None:
        with connect() as connection:
            self.stdout.write(json.dumps(dump_state(connection, at_block), indent=1))
