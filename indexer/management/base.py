"""The base of the management commands: a known failure ends with its message and help, not with a traceback."""

import signal
import threading
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from psycopg.errors import UndefinedTable

from indexer.base.errors import GhostnetError
from indexer.store.database import database_failures


class GhostnetCommand(BaseCommand):
    """A command whose `run` does its work, with the options as keyword arguments.

    Django's checks, which import the whole web application, are left to `migrate` and `check`: both run before it.
    """

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database_failures():
                self.run(**options)
        except GhostnetError as error:
            raise CommandError(str(error)) from error
        except UndefinedTable as error:
            raise CommandError("the database has no tables yet\nRun `manage.py migrate` first.") from error

    def run(self, *args: Any, **options: Any) -> None:
        """Do the work."""
        raise NotImplementedError


def positive(text: str) -> int:
    """An option's value that must be a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
