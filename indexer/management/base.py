"""The base of the management commands: a known failure ends with its message and help, not with a traceback."""

import logging
import math
import signal
import sys
import threading
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, Final, TextIO

import psycopg
from django import db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from indexer.base.errors import GhostnetError
from indexer.domain.units import MAX_BLOCK
from indexer.store.database import database_failures
from indexer.store.schema import schema_failure

logger = logging.getLogger(__name__)

MAX_PORT: Final = 65_535
INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit status of a command that Ctrl-C has ended."""


class _LoggedErrors(OutputWrapper):
    """Standard error with JSON logs: what a command writes to it becomes a line of the same form."""

    def write(  # type: ignore[override]  # as Django overrides it
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        logger.error("%s", msg.rstrip())


class GhostnetCommand(BaseCommand):
    """A command whose `run` does its work, with the options as keyword arguments.

    Django's checks, which import the whole web application, are left to `migrate` and `check`: both run before it.
    """

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def __init__(self, stdout: TextIO | None = None, stderr: TextIO | None = None, **options: Any) -> None:
        super().__init__(stdout, stderr, **options)
        if stderr is None and settings.GHOSTNET.log_format == "json":
            self.stderr = _LoggedErrors(sys.stderr)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database_failures():
                self.run(**options)
        except GhostnetError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("interrupted; what was not committed is not kept", returncode=INTERRUPTED) from None
        except (db.Error, psycopg.Error) as error:
            mismatch = schema_failure(error)
            if mismatch is None:
                raise
            raise CommandError(str(mismatch)) from error

    def run(self, *args: Any, **options: Any) -> None:
        """Do the work."""
        raise NotImplementedError


def positive(text: str) -> int:
    """An option's value that must be a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def block_number(text: str) -> int:
    """An option's value that must be the number that a block can have."""
    if not text.isdecimal() or int(text) > MAX_BLOCK:
        raise ArgumentTypeError(f"{text!r} is no block's number: those are whole numbers from 0 to {MAX_BLOCK}")
    return int(text)


def count(text: str) -> int:
    """An option's value that must be a whole number of at least 0."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def port_number(text: str) -> int:
    """An option's value that must be a TCP port's number, or 0."""
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise ArgumentTypeError(f"{text!r} is no port: those are whole numbers from 0 to {MAX_PORT}")
    return int(text)


def rate(text: str) -> float:
    """An option's value that must be a finite number of at least 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return found


def stop_signals() -> list[signal.Signals]:
    """The signals that end a command in order: SIGHUP too, which comes when its terminal is closed, unless it was
    started so that it ignores that one (nohup)."""
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([] if is_ignored else [signal.SIGHUP])]


def stop_on_signals() -> threading.Event:
    """An event that the `stop_signals` set."""
    stop = threading.Event()
    for number in stop_signals():
        signal.signal(number, lambda *_: stop.set())
    return stop
