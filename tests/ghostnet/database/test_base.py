"""The database backend: it gives up a server that does not answer, and lets one process at a time migrate."""

import threading
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.core.management import call_command
from django.db import connections

from indexer.store.database import DatabaseAway, connect, database_failures
from indexer.store.lock import SCHEMA_LOCK
from tests.processes import await_true


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"connect_timeout": 5, "tcp_user_timeout": 20_000, "keepalives_idle": 10}),
        ("?connect_timeout=3&tcp_user_timeout=9000", {"connect_timeout": 3, "tcp_user_timeout": 9000}),
    ],
)
def test_a_silent_server_is_given_up(query: str, expected: dict[str, Any]) -> None:
    settings = {**connections.settings["default"], "ENGINE": "ghostnet.database"}
    settings |= dj_database_url.parse(f"postgres://nobody@127.0.0.1:9/x{query}") | {"ENGINE": "ghostnet.database"}
    settings.pop("EMBEDDED_IN", None)
    connections.settings["silent"] = settings
    try:
        assert connections["silent"].get_connection_params().items() >= expected.items()
    finally:
        del connections["silent"], connections.settings["silent"]


def test_an_embedded_server_that_can_not_run_is_a_database_that_is_away() -> None:
    connections.settings["broken"] = {**connections.settings["default"], "EMBEDDED_IN": Path("/dev/null/x")}
    try:
        with pytest.raises(DatabaseAway, match="Let GHOSTNET_DATA_DIR name a folder"), database_failures():
            connections["broken"].ensure_connection()
    finally:
        del connections["broken"], connections.settings["broken"]


def test_who_migrates_waits_until_nobody_else_does_and_lets_others_write_then(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    def end_first() -> None:
        await_true(lambda: "waiting for it" in caplog.text, "it does not wait")
        first.close()

    first = connect()
    assert SCHEMA_LOCK.try_acquire(first)
    ending = threading.Thread(target=end_first)
    ending.start()
    call_command("migrate", verbosity=0)
    ending.join()
    assert "waiting for it" in caplog.text
    with connect() as other:
        assert SCHEMA_LOCK.try_acquire(other)
