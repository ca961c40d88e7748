"""Operators' requests, carried out by the indexer between two runs of its loop: it alone writes to the tables."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.maintenance.audit import audit, record
from indexer.maintenance.rebuild import RebuildInterrupted, rebuild
from indexer.store.database import DATABASE_ERRORS, may_come_back
from indexer.store.quarantine import is_archived, parse_log, quarantine_log
from indexer.store.requests import Request, finish_request, is_paused, waiting_requests
from indexer.sync.metrics import PAUSED

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How often the indexer looks for requests."""


class BadRequest(GhostnetError):
    """A request's argument can't be used."""

    help = "Ask again: a number for audit and rebuild, TX:LOG for quarantine."


class Calls:
    """Whether the loop is to be left: told to stop, or an operator wants something. Looks once a second."""

    def __init__(self, connection: Connection[Any], stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop
        self._look_at = time.monotonic() + LOOK_SECONDS
        self.operator = False
        """An operator wants something."""

    def wanted(self) -> bool:
        """Raises psycopg.Error if the database is away."""
        if not self.operator and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            self.operator = bool(waiting_requests(self._connection))
        return self.operator or self._stop.is_set()


class Operator:
    """Does what was asked for; an audit looks at `sample` players, accounts, rounds and bets unless told otherwise."""

    def __init__(self, rpc_urls: Sequence[str], sample: int) -> None:
        self._rpc_urls = rpc_urls
        self._sample = sample
        self._work: dict[str, Callable[[Connection[Any], Request, threading.Event], str]] = {
            "pause": lambda *_: "paused",
            "resume": lambda *_: "resumed",
            "audit": self._audit,
            "rebuild": _rebuild,
            "quarantine": _quarantine,
        }

    def obey(self, connection: Connection[Any], stop: threading.Event) -> None:
        """Do all that waits, in order; while paused, wait for more. Returns when indexing is to go on, or at `stop`.

        The chain's lock is held on `connection`.
        """
        while not stop.is_set():
            for request in waiting_requests(connection):
                self._carry_out(connection, request, stop)
            PAUSED.set(is_paused(connection))
            if not is_paused(connection):
                return
            stop.wait(LOOK_SECONDS)

    def _carry_out(self, connection: Connection[Any], request: Request, stop: threading.Event) -> None:
        """Do what was asked for, and record what came of it. A failure is the request's, not the indexer's: it would
        meet the same one after each restart. Raises psycopg.Error if the database is away: then the request waits on.
        """
        try:
            outcome = self._work[request.kind](connection, request, stop)
        except RebuildInterrupted:
            return
        except GhostnetError as error:
            logger.warning("%s, as an operator asked, failed: %s", request.kind, error.message)
            finish_request(connection, request, str(error), failed=True)
        except Exception as error:
            if isinstance(error, DATABASE_ERRORS) and may_come_back(error):
                raise
            logger.exception("%s, as an operator asked, failed", request.kind)
            finish_request(connection, request, f"{type(error).__name__}: {error}", failed=True)
        else:
            logger.warning("%s, as an operator asked (%s): %s", request.kind, request.reason, outcome)
            finish_request(connection, request, outcome, failed=False)

    def _audit(self, connection: Connection[Any], request: Request, stop: threading.Event) -> str:
        report = audit(connection, self._rpc_urls, sample=_number(request) or self._sample)
        record(connection, report)
        differences = "".join(f"\n{difference}" for difference in report.differences[:20])
        return f"block {report.block}: {report.views_checked} views, {len(report.differences)} differences{differences}"


def _rebuild(connection: Connection[Any], request: Request, stop: threading.Event) -> str:
    def progress(first: int, last: int, block: int) -> None:
        """The log would be no better for it."""

    rebuilt = rebuild(connection, _number(request), swap=True, stop=stop, on_progress=progress)
    what = ", ".join(table.table for table in rebuilt.comparisons if not table.same)
    return f"blocks {rebuilt.first} to {rebuilt.last}: {f'replaced {what}' if what else 'nothing differed'}"


def _quarantine(connection: Connection[Any], request: Request, stop: threading.Event) -> str:
    tx_hash, log_index = parse_log(request.argument)
    quarantine_log(connection, tx_hash, log_index, request.reason)
    if is_archived(connection, tx_hash, log_index):
        return f"{request.argument} was applied already: the state forgets it with the next rebuild"
    return f"{request.argument} will be archived when it comes, but no rule is applied to it"


def _number(request: Request) -> int | None:
    """The argument as a number, None without one. Raises BadRequest."""
    if not request.argument:
        return None
    if not request.argument.isdecimal():
        raise BadRequest(f"{request.kind}: {request.argument!r} is not a whole number")
    return int(request.argument)
