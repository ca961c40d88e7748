"""Operators' requests: run by the indexer in order, and recorded."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.digest import state_digest
from indexer.sync.requests import RequestRunner
from tests.databases import Databases
from tests.factories import OperatorRequestFactory
from tests.filling import fill
from tests.indexer.sync.contradiction import chain_with_a_contradiction, command
from tests.processes import await_block, await_true, checkpoint, indexer
from tests.rows import fetch_one

HEAD = 150


def measured(metric: str, **labels: str) -> float | None:
    """A metric of this process."""
    return REGISTRY.get_sample_value(metric, labels)


def request(kind: str, argument: str = "") -> int:
    """Make a request as the admin does; return its id."""
    return OperatorRequestFactory.create(kind=kind, argument=argument).id


def outcome(connection: Connection[Any], number: int) -> tuple[bool, str]:
    """Whether a request failed and what came of it, once it is done."""

    def done() -> bool:
        return bool(fetch_one(connection, f"SELECT done_at IS NOT NULL FROM operator_requests WHERE id = {number}"))

    await_true(done, "the request was not run")
    row = connection.execute("SELECT failed, outcome FROM operator_requests WHERE id = %s", (number,)).fetchone()
    assert row is not None
    return row[0], row[1]


def await_next_request(connection: Connection[Any]) -> None:
    """Wait until the indexer has run something: it is at work, and has come around once more."""
    assert outcome(connection, request("audit", "1.5"))[0], "half an audit was run"


def test_a_paused_indexer_waits_also_after_a_restart_and_goes_on_when_resumed(
    database: str, connection: Connection[Any], season: list[RecordedBlock], digest_at: Callable[[int], str]
) -> None:
    fill(connection, HEAD)
    with ReplayServer(season, ReplayOptions(head=HEAD)) as node:
        with indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url):
            await_block(connection, HEAD)
            assert outcome(connection, request("pause")) == (False, "paused")
            node.advance(20)
            await_next_request(connection)
            assert checkpoint(connection) == HEAD
        with indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url):
            await_next_request(connection)  # the first may be run at the start, before anything is indexed
            await_next_request(connection)
            assert checkpoint(connection) == HEAD, "a restart does not resume"
            assert outcome(connection, request("resume")) == (False, "resumed")
            await_block(connection, HEAD + 20)
    assert state_digest(connection) == digest_at(HEAD + 20)


def test_audits_and_rebuilds_are_done_while_it_runs(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Callable[[int], str],
) -> None:
    head = max(number for number in map(int, truth.checkpoints) if number < 400)
    fill(connection, head)
    with (
        ReplayServer(season, ReplayOptions(head=head), truth=truth) as node,
        indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url),
    ):
        await_block(connection, head)
        failed, said = outcome(connection, request("audit"))
        assert not failed
        assert said.startswith(f"block {head}: ")
        assert said.endswith(" views, 0 differences")
        connection.execute("UPDATE current_levels SET total_staked = total_staked + 1 WHERE level = 1")
        connection.execute("UPDATE level_states SET total_staked = total_staked + 1 WHERE level = 1")
        failed, said = outcome(connection, request("audit"))
        assert "differences" in said
        assert "0 differences" not in said
        assert outcome(connection, request("rebuild")) == (
            False,
            f"blocks 0 to {head}: replaced level_states",
        )
        assert outcome(connection, request("audit"))[1].endswith(" 0 differences")
        node.advance(5)
        await_block(connection, head + 5)
    assert state_digest(connection) == digest_at(head + 5)


def test_an_audit_that_was_requested_sets_the_alarm_and_its_metrics_and_a_clean_one_clears_them(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    head = max(number for number in map(int, truth.checkpoints) if number < 400)
    fill(connection, head)
    with ReplayServer(season, ReplayOptions(head=head), truth=truth) as node:
        runner = RequestRunner([node.url], 100)
        connection.execute("UPDATE current_levels SET total_staked = total_staked + 1 WHERE level = 1")
        request("audit")
        runner.run_waiting(connection, threading.Event())
        differences = fetch_one(connection, "SELECT differences FROM audits")
        assert differences > 0
        assert fetch_one(connection, "SELECT count(*) FROM alarms WHERE kind = 'audit'") == 1
        assert measured("indexer_alarm", kind="audit") == 1
        assert measured("indexer_audit_differences") == differences
        assert measured("indexer_audited_block") == head
        assert f"audit at block {head}: getLevelState(1) totalStaked" in caplog.text
        connection.execute("UPDATE current_levels SET total_staked = total_staked - 1 WHERE level = 1")
        request("audit")
        runner.run_waiting(connection, threading.Event())
        assert fetch_one(connection, "SELECT count(*) FROM alarms") == 0
        assert measured("indexer_alarm", kind="audit") == 0
        assert measured("indexer_audit_differences") == 0


@pytest.mark.parametrize(
    ("kind", "argument", "complaint"),
    [("quarantine", "0x12", "names no log"), ("rebuild", "many", "not a whole number"), ("audit", "1.5", "whole")],
)
def test_what_cannot_be_done_says_why_and_indexing_goes_on(
    database: str, connection: Connection[Any], season: list[RecordedBlock], kind: str, argument: str, complaint: str
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=10)) as node,
        indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url),
    ):
        await_block(connection, 10)
        failed, said = outcome(connection, request(kind, argument))
        assert failed
        assert complaint in said
        node.advance()
        await_block(connection, 11)


NO_ROOM = """
CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION no_room()
"""


def test_a_request_that_the_database_refuses_fails_and_indexing_goes_on(
    databases: Databases, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    databases.spoiled = True
    with (
        ReplayServer(season, ReplayOptions(head=10)) as node,
        indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url),
    ):
        await_block(connection, 10)
        connection.execute(NO_ROOM)
        failed, said = outcome(connection, request("rebuild"))
        assert failed
        assert "No space left" in said
        node.advance()
        await_block(connection, 11)


def test_requests_are_run_while_the_node_is_away(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    with ReplayServer(season, ReplayOptions(head=10)) as node:
        process = indexer(database, node.url)
        with process:
            await_block(connection, 10)
            node.stop()
            assert outcome(connection, request("rebuild"))[0] is False
            assert outcome(connection, request("pause")) == (False, "paused")


def test_a_log_that_halted_the_indexer_is_quarantined_at_its_next_start(
    database: str, connection: Connection[Any], tmp_path: Path
) -> None:
    chain = chain_with_a_contradiction()
    guilty = chain.blocks[6].txs[0].hash
    with ReplayServer(chain.blocks) as node:
        assert command(database, node.url, tmp_path, "index_chain", "--until-head").returncode == 1
        number = request("quarantine", f"{guilty}:1")
        assert command(database, node.url, tmp_path, "index_chain", "--until-head").returncode == 0
    assert outcome(connection, number) == (
        False,
        f"{guilty}:1 will be archived when it comes, but no rule is applied to it",
    )
    assert fetch_one(connection, "SELECT reason FROM quarantined_logs") == "because"
    assert checkpoint(connection) == len(chain.blocks) - 1
