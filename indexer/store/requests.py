"""Operators' requests to the indexer: a queue in the database that is kept as a record."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from indexer.models.queries import LAST_PAUSE_OR_RESUME


@dataclass(frozen=True, slots=True)
class Request:
    """A waiting request; `kind` is one of OperatorRequest.Kind."""

    id: int
    kind: str
    argument: str
    reason: str


def waiting_requests(connection: Connection[Any]) -> list[Request]:
    """The requests that were not run yet, oldest first."""
    with connection.cursor(row_factory=class_row(Request)) as cursor:
        return cursor.execute(
            "SELECT id, kind, argument, reason FROM operator_requests WHERE done_at IS NULL ORDER BY id"
        ).fetchall()


def finish_request(connection: Connection[Any], request: Request, outcome: str, *, failed: bool) -> None:
    """Record the outcome of a request that was run."""
    connection.execute(
        "UPDATE operator_requests SET done_at = clock_timestamp(), outcome = %s, failed = %s WHERE id = %s",
        (outcome, failed, request.id),
    )


def is_paused(connection: Connection[Any]) -> bool:
    """Whether indexing is paused: the newest pause or resume that was run is a pause."""
    row = connection.execute(LAST_PAUSE_OR_RESUME).fetchone()
    return row is not None and row[0] == "pause"
