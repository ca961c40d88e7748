"""Prepared statements, sent to the database together in one round trip, and COPY, through libpq.

A commit at the head is some ten statements of a few rows each, and psycopg's cursors would take as long for them as the
database does.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

Statement = tuple[str, Sequence[str | None]]
"""SQL with parameters `$1`, `$2` and so on, and their values as PostgreSQL reads them from text; None for NULL."""

_NUMBERS: Final = count()
"""For names that no other statement of a connection has."""
_SUCCESSES: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.PIPELINE_SYNC, ExecStatus.COPY_IN)


class Statements:
    """Sends statements together on a connection, which nothing else uses meanwhile. Each distinct statement is prepared
    on its first use; their number must be bounded."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._names: dict[str, bytes] = {}
        self._sent = 0
        """Messages whose results are to be received."""
        self._prepared: dict[str, bytes] = {}
        """What was prepared with them, if they succeed."""

    def execute(self, statements: Iterable[Statement]) -> None:
        """Execute statements in order, without waiting for an answer before all are sent; results are dropped.

        After one that fails none is executed, and its error is raised: psycopg.Error. A transaction that was begun is
        left to the caller.
        """
        self.send(statements)
        self.receive()

    def send(self, statements: Iterable[Statement]) -> None:
        """Send statements, which `receive` then waits for, on whichever thread; nothing is waited for here.

        While the caller makes the next statement, the database executes those before. Several calls may come before
        `receive`; outside of a transaction, each is one of its own. After an error nothing is left to be received;
        those before may have been executed.
        """
        protocol = self._connection.pgconn
        self._sent += 1
        protocol.enter_pipeline_mode()
        try:
            for text, values in statements:
                name = self._names.get(text) or self._prepared.get(text)
                if name is None:
                    name = self._prepared[text] = f"at_once_{next(_NUMBERS)}".encode()
                    protocol.send_prepare(name, text.encode())
                    self._sent += 1
                protocol.send_query_prepared(name, [None if value is None else value.encode() for value in values])
                self._sent += 1
                protocol.flush()
        except BaseException:
            self._prepared = {}
            protocol.pipeline_sync()
            self._end()
            raise
        protocol.pipeline_sync()

    def receive(self) -> None:
        """Wait until what was sent is executed. Raises psycopg.Error if a statement has failed."""
        prepared, self._prepared = self._prepared, {}
        error = self._end()
        if error is not None:
            raise error_from_result(error)
        self._names |= prepared

    def _end(self) -> PGresult | None:
        """Wait for the results of all that was sent; the first one that is an error."""
        sent, self._sent = self._sent, 0
        error = self._first_error(sent)
        self._connection.pgconn.exit_pipeline_mode()
        return error

    def _first_error(self, sent: int) -> PGresult | None:
        """Wait for the results of so many messages; the first one that is an error."""
        protocol, wait = self._connection.pgconn, self._connection.wait
        wait(send(protocol))
        results = [result for _ in range(sent) for result in wait(fetch_many(protocol))]
        return _error_among(results)


def copy_in(connection: Connection[Any], copies: Sequence[tuple[str, Sequence[bytes]]]) -> None:
    """Execute `COPY … FROM STDIN` statements, each with its text in parts, in the caller's transaction.

    They are one query: the server begins the next one when it has read the text before, and does not wait until this
    thread has woken up twice. Raises psycopg.Error; those that follow are then not executed.
    """
    protocol, wait = connection.pgconn, connection.wait
    protocol.send_query("; ".join(statement for statement, _ in copies).encode())
    wait(send(protocol))
    for _, parts in copies:
        _check(wait(fetch_many(protocol)))
        try:
            for part in parts:
                protocol.put_copy_data(part)
                wait(send(protocol))
        except BaseException:
            protocol.put_copy_end(b"the client gave up")
            wait(send(protocol))
            wait(fetch_many(protocol))
            raise
        protocol.put_copy_end()
        wait(send(protocol))
    _check(wait(fetch_many(protocol)))


def _check(results: Sequence[PGresult]) -> None:
    """Raise the error that is among results, if any."""
    error = _error_among(results)
    if error is not None:
        raise error_from_result(error)


def _error_among(results: Sequence[PGresult]) -> PGresult | None:
    return next((result for result in results if result.status not in _SUCCESSES), None)
