"""Health endpoints, as an orchestrator requests them from a web server."""

from typing import Any

from psycopg import Connection

from indexer.domain.units import first_id
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind, clear_alarm, raise_alarm
from tests.factories import OutboxCursorFactory
from tests.indexing import index
from tests.rows import fetch_one
from tests.web import WebClient, web


def ask(client: WebClient, path: str) -> tuple[int, Any]:
    answer = client.get(path)
    return answer.status_code, answer.json()


def test_a_process_is_alive_whatever_its_database_does(database: str) -> None:
    with web(database.replace("ghostnet_", "no_such_")) as client:
        assert ask(client, "/health/live") == (200, {"status": "ok"})
        for path in ("/health/ready", "/health/startup"):
            status, answer = ask(client, path)
            assert status == 503
            assert answer["status"] == "not ready"
            assert "no_such_" in answer["checks"]["database"]["error"]
            assert answer["checks"]["database"]["latency_ms"] > 0


def test_it_has_started_once_the_database_is_as_the_code_needs_it(database: str, connection: Connection[Any]) -> None:
    with web(database) as client:
        assert ask(client, "/health/startup")[0] == 200
        newest = fetch_one(connection, "SELECT max(name) FROM django_migrations WHERE app = 'indexer'")
        connection.execute("DELETE FROM django_migrations WHERE app = 'indexer' AND name = %s", (newest,))
        try:
            status, answer = ask(client, "/health/startup")
            assert status == 503
            assert answer["checks"]["database"]["missing_migrations"] == [f"indexer.{newest}"]
        finally:
            connection.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('indexer', %s, now())", (newest,)
            )
        assert ask(client, "/health/startup")[0] == 200


def test_it_is_ready_once_something_is_indexed(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season[:50]) as node, web(database, node.url) as client:
        status, answer = ask(client, "/health/ready")
        assert (status, answer["checks"]["indexed"]) == (503, {"ok": False, "block": None})
        index(node, truth.contracts)
        status, answer = ask(client, "/health/ready")
        assert (status, answer["status"]) == (200, "ready")
        assert answer["checks"]["indexed"] == {"ok": True, "block": 49}
        assert answer["checks"]["node"]["block"] == 49
        assert answer["checks"]["lag"] == {"ok": True, "blocks": 0, "most": 1000}
        assert answer["checks"]["stream"]["source"] == "database"
        for kind in AlarmKind:
            raise_alarm(connection, kind, "something is wrong")
            status, answer = ask(client, "/health/ready")
            assert (status, answer["checks"]["alarms"][kind]) == (503, "something is wrong")
            clear_alarm(connection, kind)
        assert ask(client, "/health/ready")[0] == 200


def test_it_is_not_ready_far_behind_the_node(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season) as node, web(database, node.url, GHOSTNET_READY_LAG="900") as client:
        index(node, truth.contracts, to_block=106)
        status, answer = ask(client, "/health/ready")
        assert (status, answer["checks"]["lag"]) == (503, {"ok": False, "blocks": 901, "most": 900})
        index(node, truth.contracts, to_block=107)
        assert ask(client, "/health/ready")[0] == 200


def test_a_relay_that_lags_is_reported(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season[:50]) as node:
        index(node, truth.contracts)
        with web(database, node.url, IGGY_URL="iggy://127.0.0.1:9", GHOSTNET_READY_LAG="20") as client:
            status, answer = ask(client, "/health/ready")
            assert (status, answer["status"]) == (200, "degraded")
            assert answer["checks"]["stream"]["lag_blocks"] == 49
            OutboxCursorFactory.create(event_id=first_id(40))
            assert ask(client, "/health/ready")[1]["status"] == "ready"


def test_a_node_that_is_away_does_not_take_the_web_processes_away(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season[:50]) as node:
        index(node, truth.contracts)
    with web(database) as client:
        status, answer = ask(client, "/health/ready")
    assert (status, answer["status"]) == (200, "degraded")
    assert "does not answer" in answer["checks"]["node"]["error"]
    with ReplayServer(season[:50], ReplayOptions(chain_id=1)) as stranger, web(database, stranger.url) as client:
        assert "chain 1" in ask(client, "/health/ready")[1]["checks"]["node"]["error"]
