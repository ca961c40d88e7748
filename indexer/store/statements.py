"""Prepared statements, sent to the database together in one round trip, through libpq.

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
_SUCCESSES: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.PIPELINE_SYNC)


class Statements:
    """Sends statements together on a connection, which nothing else uses meanwhile. Each distinct statement is prepared
    on its first use; their number must be bounded."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._names: dict[str, bytes] = {}

    def execute(self, statements: Iterable[Statement]) -> None:
        """Execute statements in order, without waiting for an answer before all are sent; results are dropped.

        While the caller makes the next statement, the database executes those before. After one that fails none is
        executed, and its error is raised: psycopg.Error. A transaction that was begun is left to the caller.
        """
        protocol = self._connection.pgconn
        sent, prepared = 1, dict[str, bytes]()
        protocol.enter_pipeline_mode()
        try:
            for text, values in statements:
                name = self._names.get(text) or prepared.get(text)
                if name is None:
                    name = prepared[text] = f"at_once_{next(_NUMBERS)}".encode()
                    protocol.send_prepare(name, text.encode())
                    sent += 1
                protocol.send_query_prepared(name, [None if value is None else value.encode() for value in values])
                sent += 1
                protocol.flush()
        finally:
            protocol.pipeline_sync()
            error = self._first_error(sent)
            protocol.exit_pipeline_mode()
        if error is not None:
            raise error_from_result(error)
        self._names |= prepared

    def _first_error(self, sent: int) -> PGresult | None:
        """Wait for the results of so many messages; the first one that is an error."""
        protocol, wait = self._connection.pgconn, self._connection.wait
        wait(send(protocol))
        results = [result for _ in range(sent) for result in wait(fetch_many(protocol))]
        return next((result for result in results if result.status not in _SUCCESSES), None)
