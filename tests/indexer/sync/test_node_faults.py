"""Faults of the node, and of the clock: the tables are then those of a run without faults."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.replay.chain import ReorgPlan
from indexer.replay.limits import Limits
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.digest import state_digest
from tests.filling import fill
from tests.forks import Fork
from tests.indexing import following, index
from tests.paths import SEASON
from tests.processes import await_block, checkpoint, indexer, terminate

Digest = Callable[[int], str]
BEFORE = 150
"""What was indexed before the trouble."""


@contextmanager
def node_process(port: int, *arguments: str) -> Iterator[Fork]:
    process = Fork(
        ["manage.py", "replay_chain", str(SEASON), "--port", str(port), *arguments],
        {**os.environ, "DJANGO_SETTINGS_MODULE": "ghostnet.settings"},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("READY")
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_node_that_is_killed_and_comes_back_is_waited_for(
    database: str, connection: Connection[Any], digest_at: Digest
) -> None:
    port = free_port()
    fill(connection, BEFORE)
    with indexer_of(database, port, "--to-block", "300") as process:
        for head, blocks_per_second in ((200, "200"), (300, "0")):
            with node_process(port, "--head", str(head), "--blocks-per-second", blocks_per_second) as node:
                await_block(connection, min(head + 50, 300))
                node.kill()
                node.wait()
        _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said
    assert state_digest(connection) == digest_at(300)


@contextmanager
def indexer_of(database: str, port: int, *arguments: str) -> Iterator[Fork]:
    """An indexer that was started while its node was there, and has seen it."""
    with (
        node_process(port, "--head", str(BEFORE)) as node,
        indexer(
            database, f"http://127.0.0.1:{port}", *arguments, GHOSTNET_RPC_WS_URL=f"ws://127.0.0.1:{port}"
        ) as process,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        await_block(connection, BEFORE)
        node.kill()
        node.wait()
        yield process


@pytest.mark.parametrize(
    ("options", "ws"),
    [
        (ReplayOptions(head=BEFORE, blocks_per_second=40, flaky=0.5), False),
        (ReplayOptions(head=BEFORE, blocks_per_second=40, rate_limit=40), True),
        (
            ReplayOptions(head=BEFORE, blocks_per_second=40, max_batch=1, limits=Limits(max_range=2, strict_head=True)),
            False,
        ),
        (ReplayOptions(head=BEFORE, blocks_per_second=40, flaky=0.2, reorgs=ReorgPlan(every=8, depth=5, seed=9)), True),
    ],
    ids=["half of the answers fail", "a storm of 429", "one call a request", "failures and reorgs"],
)
def test_a_bad_node_delays_but_changes_nothing(
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Digest,
    options: ReplayOptions,
    ws: bool,
) -> None:
    fill(connection, BEFORE)
    with ReplayServer(season[:202], options) as server:
        index(server, truth.contracts, to_block=200, ws=ws)
        server.restore_recorded(201)
        index(server, truth.contracts, to_block=200)
    assert state_digest(connection, 200) == digest_at(200)


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_a_socket_that_dies_or_falls_silent_costs_no_block(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest, silent: bool
) -> None:
    fill(connection, BEFORE)
    with ReplayServer(season, ReplayOptions(head=BEFORE)) as server, following(server, truth.contracts, ws=True):
        for head in range(BEFORE + 1, BEFORE + 11):
            server.restore_recorded(head)
            await_block(connection, head)
            if head == BEFORE + 4:
                server.options.silent_ws = silent
                if not silent:
                    server.drop_sockets()
    assert state_digest(connection) == digest_at(BEFORE + 10)


class HangingNode:
    """Accepts connections and never says anything."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def await_visit(self) -> None:
        """Wait until somebody has connected."""
        self._socket.settimeout(30)
        self._visitor, _ = self._socket.accept()

    def close(self) -> None:
        self._visitor.close()
        self._socket.close()


def test_sigterm_ends_the_wait_for_a_node_that_is_gone_or_silent(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    hanging = HangingNode()
    try:
        with indexer(database, hanging.url) as process:
            hanging.await_visit()
            terminate(process)
    finally:
        hanging.close()
    with ReplayServer(season[:100]) as server, indexer(database, server.url) as process:
        await_block(connection, 99)
        server.stop()
        time.sleep(0.5)
        terminate(process)
    assert checkpoint(connection) == 99


def test_a_clock_that_jumps_changes_nothing(
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Digest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a month ahead, by a year back, at every look: nothing that waits may go by the time of day."""
    real, looks = time.time, count()
    monkeypatch.setattr(time, "time", lambda: real() + (0, 30 * 86_400, -400 * 86_400)[next(looks) % 3])
    fill(connection, BEFORE)
    options = ReplayOptions(head=BEFORE, blocks_per_second=60, flaky=0.05)
    with ReplayServer(season, options) as server:
        index(server, truth.contracts, to_block=250, ws=True)
    assert state_digest(connection) == digest_at(250)
