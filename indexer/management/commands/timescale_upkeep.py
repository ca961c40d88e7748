"""Run upkeep once, now."""

from typing import Any

from django.conf import settings

from indexer.management.base import GhostnetCommand
from indexer.store.database import connect
from indexer.timescale.features import NoTimescale, has_timescaledb
from indexer.timescale.upkeep import run_upkeep


class Command(GhostnetCommand):
    """Does what `index_chain` does every minute."""

    help = "Refresh the aggregates, compress old chunks and retire the oldest, as index_chain does while it works."

    def run(self, **options: Any) -> None:
        with connect() as connection:
            if not has_timescaledb(connection):
                raise NoTimescale("this database has no TimescaleDB: there is nothing to keep up")
            done = run_upkeep(connection, settings.GHOSTNET.upkeep)
        if not done:
            self.stdout.write("nothing done: nothing is indexed yet, or another round is under way")
        for step, what in done.items():
            self.stdout.write(f"{step}: {what}")
