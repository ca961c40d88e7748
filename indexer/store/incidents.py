"""Incidents, kept for a month for operators: starts, interruptions, alarms and their ends."""

from enum import StrEnum
from typing import Any, Final

from psycopg import Connection

KEPT: Final = "30 days"
_LONGEST: Final = 2_000
"""Characters of a message that are kept."""


class IncidentKind(StrEnum):
    """What happened to the indexer."""

    STARTED = "started"
    """A process began to index, after it got the chain's lock."""

    INTERRUPTED = "interrupted"
    """Indexing was interrupted by an error that may pass, and goes on; noted when it does."""

    ALARM = "alarm"
    """An alarm was raised."""

    ALARM_OVER = "alarm_over"
    """An alarm is over."""


def note_incident(connection: Connection[Any], kind: IncidentKind, message: str) -> None:
    """Store an incident with the current time, and delete those older than a month."""
    connection.execute("DELETE FROM incidents WHERE at < clock_timestamp() - %s::interval", (KEPT,))
    connection.execute(
        "INSERT INTO incidents (at, kind, message) VALUES (clock_timestamp(), %s, %s)", (kind, message[:_LONGEST])
    )
