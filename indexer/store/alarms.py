"""Alarms: what an operator must know now, and why the data is not served as ready."""

from enum import StrEnum
from typing import Any

from psycopg import Connection


class AlarmKind(StrEnum):
    """What can be wrong; each is raised at most once, and cleared by the indexer when it is over."""

    DEEP_REORG = "deep_reorg"
    """A reorg deeper than GHOSTNET_REORG_DEPTH: what is stored above the common ancestor did not happen."""

    HALTED = "halted"
    """The indexer stopped at an error that will come again until somebody acts."""

    AUDIT = "audit"
    """The last audit found differences from the contracts' own views."""


def raise_alarm(connection: Connection[Any], kind: AlarmKind, message: str) -> None:
    """Record an alarm; one of the same kind is replaced, but keeps its time."""
    connection.execute(
        "INSERT INTO alarms (kind, message, raised_at) VALUES (%s, %s, clock_timestamp())"
        " ON CONFLICT (kind) DO UPDATE SET message = EXCLUDED.message",
        (kind, message),
    )


def clear_alarm(connection: Connection[Any], kind: AlarmKind) -> None:
    """The trouble is over; nothing happens if there was none."""
    connection.execute("DELETE FROM alarms WHERE kind = %s", (kind,))


def alarms(connection: Connection[Any]) -> dict[AlarmKind, str]:
    """The messages of all alarms that stand."""
    return {AlarmKind(kind): message for kind, message in connection.execute("SELECT kind, message FROM alarms")}
