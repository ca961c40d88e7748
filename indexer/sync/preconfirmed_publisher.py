"""Send preconfirmed items and positions to web processes, on a connection of its own, apart from the writer's."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection

from indexer.base.retry import Backoff
from indexer.store.database import DatabaseUnusable, connect, database_failures
from indexer.store.statements import Statements
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import notifications
from indexer.stream.preconfirmed_positions import PreconfirmedPosition

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 5.0
MAX_UNANSWERED: Final = 200
"""Notifications that are sent without reading the database's answers, a few hundred bytes each."""
_NOTIFY: Final = "SELECT pg_notify($1, $2)"


class PreconfirmedPublisher:
    """Sends items and positions as notifications, in order, without waiting for the database; what can't be sent is
    lost.

    For use on the indexing thread. The connection is opened for the first items, and, after a failure, for the first
    ones after a pause.
    """

    def __init__(self) -> None:
        self._connection: Connection[Any] | None = None
        self._statements: Statements | None = None
        self._unanswered = 0
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self._resumes_at = 0.0
        """When the next attempt to connect is made, by the monotonic clock."""

    def publish(self, items: Sequence[FeedItem], positions: Sequence[PreconfirmedPosition] = ()) -> None:
        """Send items and positions; does not wait until they are delivered."""
        if self._statements is None and time.monotonic() < self._resumes_at:
            return
        if self._unanswered >= MAX_UNANSWERED:
            self.wait()
        with self._pausing_at_a_failure():
            statements = self._statements or self._connect()
            for notification in notifications(items, positions):
                statements.send([(_NOTIFY, notification)])
                self._unanswered += 1

    def wait(self) -> None:
        """Wait until what was sent so far is delivered: a commit's notification that is sent now comes after them."""
        if self._statements is not None and self._unanswered:
            with self._pausing_at_a_failure():
                self._unanswered = 0
                self._statements.receive()
                self._backoff.reset()

    def close(self) -> None:
        """Close the connection, once what was sent is delivered."""
        self.wait()
        self._disconnect()

    def _connect(self) -> Statements:
        self._connection = connect()
        # A notification is a transaction of its own: nobody waits until the disk has it.
        self._connection.execute("SET synchronous_commit = off")
        self._statements = Statements(self._connection)
        return self._statements

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._statements, self._unanswered = None, None, 0

    @contextmanager
    def _pausing_at_a_failure(self) -> Iterator[None]:
        try:
            with database_failures():
                yield
        except (DatabaseUnusable, psycopg.Error) as error:
            self._disconnect()
            pause = self._backoff.pause()
            self._resumes_at = time.monotonic() + pause
            logger.warning("preconfirmed events are not published, trying again in %.1f s: %s", pause, error)
