"""Operators' requests, run by the indexer between two runs of its loop, since it holds the chain's lock."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.maintenance.rebuild import RebuildInterrupted, rebuild
from indexer.store.database import DatabaseAway, database_failures
from indexer.store.quarantine import is_archived, parse_log, quarantine_log
from indexer.store.requests import Request, finish_request, is_paused, waiting_requests
from indexer.sync.audits import audit_checkpoint
from indexer.sync.metrics import PAUSED

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
"""How often the indexer checks for new requests."""
MAX_REPORTED: Final = 20
"""Differences, at most, that the outcome of an audit lists."""


class BadRequest(GhostnetError):
    """A request's argument can't be used."""

    help = "Make the request again: a number for audit and rebuild, TX:LOG for quarantine."


class StopCondition:
    """Whether the loop is to end: `stop` is set, or a request waits. Checks the database once a second."""

    def __init__(self, connection: Connection[Any], stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop
        self._check_at = time.monotonic() + POLL_SECONDS
        self.request_waiting = False

    def is_met(self) -> bool:
        """Raises psycopg.Error if the database is away."""
        if not self.request_waiting and time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + POLL_SECONDS
            self.request_waiting = bool(waiting_requests(self._connection))
        return self.request_waiting or self._stop.is_set()


class RequestRunner:
    """Runs operators' requests; an audit checks `sample` of each kind unless a request names another number."""

    def __init__(self, rpc_urls: Sequence[str], sample: int) -> None:
        self._rpc_urls = rpc_urls
        self._sample = sample
        self._actions: dict[str, Callable[[Connection[Any], Request, threading.Event], str]] = {
            "pause": lambda *_: "paused",
            "resume": lambda *_: "resumed",
            "audit": self._audit,
            "rebuild": _rebuild,
            "quarantine": _quarantine,
        }

    def run_waiting(self, connection: Connection[Any], stop: threading.Event) -> None:
        """Run all waiting requests in order; while indexing is paused, wait for more. Returns when it is not, or at
        `stop`.

        The chain's lock is held on `connection`. Raises Interrupted, DatabaseAway or psycopg.Error: then the request
        at hand waits on.
        """
        while not stop.is_set():
            for request in waiting_requests(connection):
                self._run(connection, request, stop)
            paused = is_paused(connection)
            PAUSED.set(paused)
            if not paused:
                return
            stop.wait(POLL_SECONDS)

    def _run(self, connection: Connection[Any], request: Request, stop: threading.Event) -> None:
        """Run a request and record its outcome. Its failure does not stop the indexer, which would meet the same
        request after each restart."""
        try:
            with database_failures():
                outcome = self._actions[request.kind](connection, request, stop)
        except RebuildInterrupted:
            return
        except DatabaseAway:
            raise
        except GhostnetError as error:
            logger.warning("operator's request %s failed: %s", request.kind, error.message)
            finish_request(connection, request, str(error), failed=True)
        except Exception as error:
            logger.exception("operator's request %s failed", request.kind)
            finish_request(connection, request, f"{type(error).__name__}: {error}", failed=True)
        else:
            logger.warning("operator's request %s (%s): %s", request.kind, request.reason, outcome)
            finish_request(connection, request, outcome, failed=False)

    def _audit(self, connection: Connection[Any], request: Request, stop: threading.Event) -> str:
        report = audit_checkpoint(connection, self._rpc_urls, _number(request) or self._sample, stop)
        differences = "".join(f"\n{difference}" for difference in report.differences[:MAX_REPORTED])
        return f"block {report.block}: {report.outcome}{differences}"


def _rebuild(connection: Connection[Any], request: Request, stop: threading.Event) -> str:
    def ignore_progress(first: int, last: int, block: int) -> None:
        """A request reports its outcome only."""

    rebuilt = rebuild(connection, _number(request), swap=True, stop=stop, on_progress=ignore_progress)
    what = ", ".join(table.table for table in rebuilt.comparisons if not table.same)
    return f"blocks {rebuilt.first} to {rebuilt.last}: {f'replaced {what}' if what else 'nothing differed'}"


def _quarantine(connection: Connection[Any], request: Request, stop: threading.Event) -> str:
    tx_hash, log_index = parse_log(request.argument)
    quarantine_log(connection, tx_hash, log_index, request.reason)
    if is_archived(connection, tx_hash, log_index):
        return f"{request.argument} was applied already: the next rebuild leaves it out"
    return f"{request.argument} will be archived when it comes, but no rule is applied to it"


def _number(request: Request) -> int | None:
    """The argument as a number, None without one. Raises BadRequest."""
    if not request.argument:
        return None
    if not request.argument.isdecimal():
        raise BadRequest(f"{request.kind}: {request.argument!r} is not a whole number")
    return int(request.argument)
