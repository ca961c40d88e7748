"""The base of our commands: a known failure ends with its message and help, not with a traceback."""

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from indexer.errors import GhostnetError


class GhostnetCommand(BaseCommand):
    """A command that does its work in `run`, with its options as keyword arguments."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(**options)
        except GhostnetError as error:
            raise CommandError(str(error)) from error
        except (OperationalError, psycopg.OperationalError) as error:
            raise CommandError(
                f"the database can't be used: {error}\nCheck DATABASE_URL; without it the embedded PostgreSQL is used."
            ) from error

    def run(self, *args: Any, **options: Any) -> None:
        """Do the work."""
        raise NotImplementedError
