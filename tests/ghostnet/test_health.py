"""Health endpoints, as an orchestrator asks them."""

from typing import Any

import pytest
from django.test import Client
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind, clear_alarm, raise_alarm
from tests.conftest import default_database
from tests.indexing import index


def ask(path: str) -> tuple[int, Any]:
    answer = Client().get(path)
    return answer.status_code, answer.json()


def test_a_process_is_alive_whatever_its_database_does(django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), default_database("no_such_database"):
        assert ask("/health/live") == (200, {"status": "ok"})
        status, answer = ask("/health/ready")
    assert status == 503
    assert answer["status"] == "not ready"
    assert "no_such_database" in answer["checks"]["database"]["error"]


def test_it_is_ready_once_something_is_indexed(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    status, answer = ask("/health/ready")
    assert (status, answer["checks"]["indexed"]) == (503, {"ok": False, "block": None})
    with ReplayServer(season[:50]) as server:
        index(server, truth.contracts)
    status, answer = ask("/health/ready")
    assert (status, answer["checks"]["indexed"]) == (200, {"ok": True, "block": 49})
    assert answer["checks"]["database"]["latency_ms"] >= 0


@pytest.mark.parametrize("kind", AlarmKind)
def test_it_is_not_ready_while_an_alarm_stands(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, kind: AlarmKind
) -> None:
    with ReplayServer(season[:50]) as server:
        index(server, truth.contracts)
    raise_alarm(connection, kind, "something is wrong")
    status, answer = ask("/health/ready")
    assert (status, answer["checks"]["alarms"]) == (503, {"ok": False, kind: "something is wrong"})
    clear_alarm(connection, kind)
    assert ask("/health/ready")[0] == 200
