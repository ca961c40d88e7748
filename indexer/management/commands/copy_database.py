"""Copy all indexed data to another database server."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connections

from indexer.maintenance.copy import copy_database
from indexer.management.base import GhostnetCommand
from indexer.store.address import database_settings
from indexer.store.database import connect

TARGET = "target"


class Command(GhostnetCommand):
    """Copies from the embedded database to a TimescaleDB server, or from any server to any other."""

    help = "Copy everything that is indexed to an empty database, and verify it by its digest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="the database to copy to: postgresql://user@host/name (password: ~/.pgpass)")

    def run(self, *, url: str, **options: Any) -> None:
        try:
            target_database = database_settings(url)
        except ValueError as error:
            raise CommandError(f"the address: {error}") from error
        ours = {key: value for key, value in connections.settings["default"].items() if key != "EMBEDDED_IN"}
        connections.settings[TARGET] = {**ours, **target_database, "ENGINE": "ghostnet.database"}
        call_command("migrate", database=TARGET, verbosity=0)
        connections[TARGET].close()
        with connect() as source, connect(TARGET) as target:
            copied = copy_database(source, target, lambda table, rows: self.stdout.write(f"{table}: {rows} rows"))
        self.stdout.write(f"{copied.rows} rows copied; both databases have the digest {copied.digest}")
        self.stdout.write("To switch, set DATABASE_URL to that database and start the indexer again.")
