"""Work beside the indexing loop: each job on a thread of its own that the worker starts and joins."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection

from indexer.base.errors import Retryable
from indexer.base.retry import Backoff
from indexer.base.stopping import Interrupted
from indexer.store.database import connect, database_failures

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 60.0
CANCEL_SECONDS: Final = 0.5
"""Seconds between two cancellations of the running statement of a job that is stopped."""


class BackgroundJob:
    """Runs `work` on a thread of its own each time it is due, one run at a time, until it is stopped.

    `work` receives the job: it reads and writes through `connect`, and may end early, raising Interrupted, once
    `stopping` is set. A run that fails is logged; if the failure is Retryable, the run is repeated after a pause,
    otherwise when the job is due again. No failure reaches the indexing loop.
    """

    def __init__(self, name: str, work: Callable[["BackgroundJob"], None]) -> None:
        self.name = name
        self.stopping = threading.Event()
        self._work = work
        self._due = threading.Event()
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self._connection: Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Start the thread, which waits until the job is due."""
        self._thread.start()

    def trigger(self) -> None:
        """Make the job due: it runs at once, or once more after the run at hand."""
        self._due.set()

    def stop(self) -> None:
        """End the run at hand, cancelling its statement, and join the thread. Blocks; does nothing before `start`."""
        self.stopping.set()
        self._due.set()
        while self._thread.is_alive():
            self._thread.join(CANCEL_SECONDS)
            self._cancel_statement()

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """A database connection for a run; `stop` cancels what it executes. Raises django.db.OperationalError."""
        with connect() as connection:
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self.stopping.is_set():
                return
            try:
                with database_failures():
                    self._work(self)
            except Interrupted:
                return
            except Retryable as error:
                self._retry_later(error)
            except Exception:
                if not self.stopping.is_set():
                    logger.exception("%s failed", self.name)
            else:
                self._backoff.reset()

    def _retry_later(self, error: Retryable) -> None:
        """Make the job due again after a pause that grows with each failure in a row, unless it is stopped."""
        if self.stopping.is_set():
            return
        pause = self._backoff.pause()
        logger.warning("%s failed, trying again in %.1f s: %s", self.name, pause, error.message)
        self.stopping.wait(pause)
        self._due.set()

    def _cancel_statement(self) -> None:
        connection = self._connection
        if connection is not None:
            try:
                connection.cancel_safe(timeout=CANCEL_SECONDS)
            except psycopg.Error as error:
                logger.debug("%s: its statement could not be cancelled: %s", self.name, error)
