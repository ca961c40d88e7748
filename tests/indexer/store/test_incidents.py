"""Incidents: they are stored, shortened, and deleted after a month."""

from typing import Any

from psycopg import Connection

from indexer.store.alarms import AlarmKind, clear_alarm, raise_alarm
from indexer.store.incidents import IncidentKind, note_incident


def incidents(connection: Connection[Any]) -> list[tuple[str, str]]:
    return connection.execute("SELECT kind, message FROM incidents ORDER BY id").fetchall()


def test_an_alarm_is_noted_when_it_begins_and_when_it_ends(connection: Connection[Any]) -> None:
    for message in ("one", "one more"):
        raise_alarm(connection, AlarmKind.HALTED, message)
    for _ in range(2):
        clear_alarm(connection, AlarmKind.HALTED)
    assert incidents(connection) == [("alarm", "halted: one"), ("alarm_over", "halted")]


def test_what_is_older_than_a_month_is_forgotten(connection: Connection[Any]) -> None:
    note_incident(connection, IncidentKind.STARTED, "x" * 10_000)
    connection.execute("UPDATE incidents SET at = at - interval '31 days'")
    note_incident(connection, IncidentKind.INTERRUPTED, "x" * 10_000)
    assert incidents(connection) == [("interrupted", "x" * 2_000)]
