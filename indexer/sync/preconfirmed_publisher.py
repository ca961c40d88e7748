"""Send preconfirmed items to web processes, on a thread and a connection of its own, apart from the writer's."""

import logging
import queue
import threading
from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from indexer.base.errors import Retryable
from indexer.base.retry import Backoff
from indexer.store.database import connect, database_failures
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import PRECONFIRMED_CHANNEL, notifications

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 5.0
_STATEMENT: Final = b"publish"


class PreconfirmedPublisher:
    """Sends the items passed to `publish`, in order, as notifications; items that can't be sent are lost.

    The thread starts with the first items, and its connection is opened then.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Sequence[FeedItem] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)

    def publish(self, items: Sequence[FeedItem]) -> None:
        """Send items soon; does not wait."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="preconfirmed")
            self._thread.start()
        self._waiting.put(items)

    def close(self) -> None:
        """End and join the thread; does nothing before the first items."""
        self._closing.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with database_failures(), connect() as connection:
                    # A notification is a transaction of its own: nobody waits until the disk has it.
                    connection.execute("SET synchronous_commit = off")
                    self._send_all(connection)
            except Retryable as error:
                pause = self._backoff.pause()
                logger.warning(
                    "preconfirmed events are not published, trying again in %.1f s: %s", pause, error.message
                )
                self._closing.wait(pause)
            except Exception:
                logger.exception("preconfirmed events are not published any more")
                return

    def _send_all(self, connection: Connection[Any]) -> None:
        """Send all items until `close`, through libpq: psycopg's cursors take as long as the database itself."""
        protocol = connection.pgconn
        statement = f"SELECT pg_notify('{PRECONFIRMED_CHANNEL}', $1)".encode()
        _check(protocol.prepare(_STATEMENT, statement))
        while (items := self._waiting.get()) is not None:
            for payload in notifications(items):
                _check(protocol.exec_prepared(_STATEMENT, [payload.encode()]))
            self._backoff.reset()


def _check(result: PGresult) -> None:
    """Raise psycopg.Error if a statement has failed, its OperationalError if no server says so."""
    if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        return
    if result.error_field(DiagnosticField.SQLSTATE) is None:
        raise OperationalError(result.get_error_message())
    raise error_from_result(result)
