"""Start, stop, look at or open the embedded PostgreSQL."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from ghostnet.database.embedded import DATABASE, SUPERUSER, EmbeddedPostgres
from indexer.management.base import GhostnetCommand


class Command(GhostnetCommand):
    """Manages the server that is used while DATABASE_URL is not set."""

    help = "Manage the embedded PostgreSQL, which is used while DATABASE_URL is not set."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("start", "stop", "status", "psql"))

    def run(self, *, action: str, **options: Any) -> None:
        server = EmbeddedPostgres(settings.GHOSTNET.data_dir)
        if action == "stop":
            self.stdout.write("stopped" if server.stop() else "was not running")
            return
        if action != "status":
            server.ensure_running()
        if action == "psql":
            psql = server.binary("psql")
            os.execv(psql, [str(psql), "-h", str(server.socket_folder), "-U", SUPERUSER, DATABASE])  # noqa: S606
        state = "running" if server.answers() else "not running"
        self.stdout.write(f"{state}; data in {server.data}, socket in {server.socket_folder}")
