"""Alarms: conditions that need an operator's attention; while one is stored, the data is not served as ready."""

from enum import StrEnum
from typing import Any

from psycopg import Connection

from indexer.store.incidents import IncidentKind, note_incident


class AlarmKind(StrEnum):
    """What an alarm is about; at most one of each kind is stored, and the indexer clears it when it is over."""

    DEEP_REORG = "deep_reorg"
    """A reorg deeper than GHOSTNET_REORG_DEPTH: blocks that were served as finalized were dropped."""

    LEFT_OUT = "left_out"
    """A node had left out logs: blocks that were served without them are indexed anew."""

    NODE_BEHIND = "node_behind"
    """The node's head has been below the last indexed block for longer than a machine lags: nothing new comes."""

    HALTED = "halted"
    """The indexer stopped at an error that recurs until an operator acts."""

    AUDIT = "audit"
    """The last audit found differences from the contracts' own views."""

    UNDECODED = "undecoded"
    """A log of a known event, or more than one in a hundred logs, could not be decoded; over after 1,000 right ones,
    or at a start when no such log is kept any more."""

    NODE = "node"
    """A node serves another chain, or other blocks than those that were indexed, and is not used. It does not
    stand in the table, as the data is right all the same; it is reported, and kept as an incident."""


def raise_alarm(connection: Connection[Any], kind: AlarmKind, message: str) -> None:
    """Store an alarm; the message of one of the same kind is replaced, its time is kept."""
    row = connection.execute(
        "INSERT INTO alarms (kind, message, raised_at) VALUES (%s, %s, clock_timestamp())"
        " ON CONFLICT (kind) DO UPDATE SET message = EXCLUDED.message RETURNING xmax = 0",
        (kind, message),
    ).fetchone()
    if row is not None and row[0]:  # it did not stand before
        note_alarm(connection, kind, message)


def clear_alarm(connection: Connection[Any], kind: AlarmKind) -> None:
    """Delete the alarm of a kind, if there is one."""
    if connection.execute("DELETE FROM alarms WHERE kind = %s", (kind,)).rowcount:
        note_alarm(connection, kind, None)


def note_alarm(connection: Connection[Any], kind: AlarmKind, message: str | None) -> None:
    """Store as an incident that an alarm was raised, or (None) is over."""
    if message is None:
        note_incident(connection, IncidentKind.ALARM_OVER, kind)
    else:
        note_incident(connection, IncidentKind.ALARM, f"{kind}: {message}")


def alarms(connection: Connection[Any]) -> dict[AlarmKind, str]:
    """The messages of all standing alarms."""
    return {AlarmKind(kind): message for kind, message in connection.execute("SELECT kind, message FROM alarms")}
