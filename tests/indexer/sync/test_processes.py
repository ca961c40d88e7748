"""The indexer as operators run it: as a process that is stopped, killed, started twice and misconfigured."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.store.digest import state_digest
from tests.paths import SEASON_DEPLOYMENT
from tests.processes import await_block, await_true, checkpoint, indexer
from tests.rows import fetch_one


def test_sigterm_finishes_the_batch_and_exits_0(
    connection: Connection[Any], database: str, season: list[RecordedBlock]
) -> None:
    options = ReplayOptions(head=300, blocks_per_second=50)
    with ReplayServer(season, options) as server, indexer(database, server.url) as process:
        await_block(connection, 320)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    stopped_at = fetch_one(connection, "SELECT block_number FROM checkpoints")
    assert f"indexed up to block {stopped_at}" in said
    state_digest(connection)


def test_a_standby_takes_over_from_a_killed_indexer_without_loss(
    connection: Connection[Any], database: str, season: list[RecordedBlock], digest_at: Callable[[int], str]
) -> None:
    with ReplayServer(season, ReplayOptions(head=310)) as server, indexer(database, server.url) as first:
        await_block(connection, 310)
        with indexer(database, server.url, "--to-block", "700") as standby:
            assert standby.stderr is not None
            assert "another indexer of this chain is at work" in standby.stderr.readline()
            server.restore_recorded(800)
            await_true(lambda: checkpoint(connection) > 310, "the first one does not go on")
            first.kill()
            first.wait()
            _, said = standby.communicate(timeout=60)
            assert standby.returncode == 0, said
    assert checkpoint(connection) >= 700
    assert state_digest(connection, 700) == digest_at(700)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"GHOSTNET_RPC_URLS": "http://127.0.0.1:9"}, "127.0.0.1:9 does not answer"),
        ({"GHOSTNET_DEPLOYMENT": "/nowhere.json"}, "GHOSTNET_DEPLOYMENT: /nowhere.json can't be read"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:9/x"}, "the database can't be used"),
    ],
)
def test_a_start_that_cannot_work_says_what_to_change(
    database: str, season: list[RecordedBlock], variables: dict[str, str], says: str
) -> None:
    with ReplayServer(season[:20]) as server, indexer(database, server.url, **variables) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert says in said
    assert "Traceback" not in said


def test_a_deployment_on_another_chain_or_without_contracts_is_refused(
    database: str, season: list[RecordedBlock], tmp_path: Path
) -> None:
    document = json.loads(SEASON_DEPLOYMENT.read_text())
    for change, says in (
        ({"chain_id": 4326}, "the node is on chain 6343, the deployment on chain 4326"),
        ({"contracts": {**document["contracts"], "DeadPool": "0x" + "12" * 20}}, "DeadPool (0x1212"),
    ):
        path = tmp_path / "deployment.json"
        path.write_text(json.dumps({**document, **change}))
        with (
            ReplayServer(season[:20]) as server,
            indexer(database, server.url, GHOSTNET_DEPLOYMENT=str(path)) as process,
        ):
            _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert says in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, ["indexed 100 blocks", "indexed up to block 99"]),
        ({"GHOSTNET_RPC_URLS": "http://127.0.0.1:9"}, ["CommandError: "]),
        ({"GHOSTNET_REORG_DEPTH": "deep"}, ["BadEnvironment: GHOSTNET_REORG_DEPTH"]),
    ],
)
def test_every_log_line_is_an_object_where_asked(
    connection: Connection[Any],
    database: str,
    season: list[RecordedBlock],
    variables: dict[str, str],
    says: list[str],
) -> None:
    with (
        ReplayServer(season[:100]) as server,
        indexer(database, server.url, "--until-head", GHOSTNET_LOG_FORMAT="json", **variables) as process,
    ):
        _, said = process.communicate(timeout=30)
    messages = [json.loads(line)["message"] for line in said.splitlines()]
    for text in says:
        assert any(text in message for message in messages), said
    assert process.returncode == (1 if variables else 0)
