"""Events that can't be applied: where indexing stops, its message, and how to skip the event."""

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.events import JackedIn
from indexer.replay.server import ReplayServer
from indexer.rules.errors import InvariantBroken
from indexer.rules.registry import HANDLERS
from indexer.store.loader import Snapshot
from tests.chains import ADDRESSES, user
from tests.indexer.sync.contradiction import chain_with_a_contradiction, command
from tests.indexing import index
from tests.rows import fetch_one


def test_indexing_stops_right_before_the_guilty_block_and_names_the_event(
    connection: Connection[Any],
) -> None:
    """Whatever the batch: all eight blocks come in one here."""
    chain = chain_with_a_contradiction()
    guilty = chain.blocks[6].txs[0].hash
    with ReplayServer(chain.blocks) as server:
        for _ in range(2):
            with pytest.raises(InvariantBroken, match=f"block 6, tx {guilty}, log 1: rewards of {user(2)}"):
                index(server, ADDRESSES)
            assert Snapshot(connection).at_block == 5
            assert fetch_one(connection, "SELECT max(id >> 23) FROM chain_events") == 5
            assert fetch_one(connection, "SELECT count(*) FROM rounds") == 0
            assert f"log 1: rewards of {user(2)}" in fetch_one(connection, "SELECT message FROM alarms")


def test_any_error_in_a_rule_names_its_event(connection: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(game: Any, event: Any) -> None:
        raise AttributeError("a slip of the pen")

    chain = chain_with_a_contradiction()
    monkeypatch.setitem(HANDLERS["GhostCore"], JackedIn, mistaken)
    with ReplayServer(chain.blocks) as server, pytest.raises(InvariantBroken) as raised:
        index(server, ADDRESSES)
    assert "block 2, " in str(raised.value)
    assert "GhostCore.JackedIn can't be applied: AttributeError('a slip of the pen')" in str(raised.value)


def test_the_operator_can_go_past_it_on_the_record(database: str, connection: Connection[Any], tmp_path: Path) -> None:
    chain = chain_with_a_contradiction()
    guilty = chain.blocks[6].txs[0].hash
    with ReplayServer(chain.blocks) as server:
        halted = command(database, server.url, tmp_path, "index_chain", "--until-head")
        assert halted.returncode == 1
        assert f"block 6, tx {guilty}, log 1: " in halted.stderr
        assert "--quarantine TX:LOG" in halted.stderr
        assert "Traceback" not in halted.stderr
        misspelt = command(database, server.url, tmp_path, "index_chain", "--quarantine", f"{guilty}/1")
        assert misspelt.returncode == 1
        assert f"'{guilty}/1' names no log" in misspelt.stderr
        past = command(
            database,
            server.url,
            tmp_path,
            "index_chain",
            "--until-head",
            "--quarantine",
            f"{guilty.upper()}:1".replace("X", "x"),
        )
        assert past.returncode == 0, past.stderr
    assert Snapshot(connection).at_block == 7
    status = fetch_one(connection, f"SELECT status FROM current_positions WHERE address = '\\x{user(2)[2:]}'")
    assert status == "alive"
    assert fetch_one(connection, "SELECT count(*) FROM chain_events WHERE name = 'Extracted'") == 1
    assert fetch_one(connection, "SELECT count(*) FROM rounds") == 1
    log_index, reason = connection.execute("SELECT log_index, reason FROM quarantined_logs").fetchone() or (None, "")
    assert log_index == 1
    assert f"rewards of {user(2)}'s extraction" in reason
    assert fetch_one(connection, "SELECT count(*) FROM alarms") == 0
    rebuilt = command(database, "http://127.0.0.1:9", tmp_path, "rebuild_state", "--check")
    assert rebuilt.returncode == 0, rebuilt.stdout
