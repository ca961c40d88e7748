"""The programs of docs/realtime.md, run as they are printed there."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import pytest
from psycopg import Connection

from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from realtime.protocol import ErrorCode
from tests.iggy.real import iggy
from tests.indexing import index
from tests.paths import PROJECT
from tests.processes import HEAD, await_tip, await_true, live
from tests.stream.relaying import relay
from tests.web import WebClient, web

WATCH, WATCH_EARLY, CONSUME = re.findall(
    r"```python\n(.+?)```", (PROJECT / "docs" / "realtime.md").read_text(), re.DOTALL
)


@contextmanager
def running(folder: Path, text: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program that prints lines, killed in the end."""
    path = folder / "example.py"
    path.write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-u", str(path), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def program(folder: Path, text: str, *arguments: str) -> Iterator[Any]:
    """The lines that a program prints."""
    with running(folder, text, *arguments) as process:
        yield process.stdout


def test_watching(season_web: WebClient, truth: Truth, tmp_path: Path) -> None:
    with program(tmp_path, WATCH, f"ws://127.0.0.1:{season_web.port}/ws", "0") as lines:
        assert "CONNECTION_STATE" in next(lines)
        traced = [line for line in islice(lines, 400) if " TRACED " in line]
    assert len(traced) > 50
    assert truth.document["deaths"][0]["user"] in traced[0].lower()


def test_watching_before_the_block(
    database: str, connection: Connection[Any], season: list[RecordedBlock], tmp_path: Path
) -> None:
    """Each event in each of its states: before its block, in it, in none, and in one that a reorg took back."""
    plan = MiniBlockPlan(10, timestamps=True)
    with (
        live(database, connection, season, mini_blocks=plan) as node,
        web(database) as client,
        program(tmp_path, WATCH_EARLY, f"ws://127.0.0.1:{client.port}/ws") as lines,
    ):
        await_true(lambda: node.status()["subscriptions"] == 2, "the indexer did not subscribe")
        assert next(lines) == "subscribed\n"
        node.announce()
        lines_until(lines, "preconfirmed")
        node.advance()
        lines_until(lines, "confirmed")
        node.fork(1, 2)
        lines_until(lines, "reorged")
        node.restore_recorded(HEAD + 2)
        await_tip(connection, node.chain.blocks[-1].hash)
        node.announce()
        lines_until(lines, "preconfirmed")
        node.fork(1, 2)
        lines_until(lines, "dropped")


def lines_until(lines: Any, state: str) -> None:
    """Read on to the first line of an event in this state."""
    while not next(lines).startswith(state + " "):
        pass


@pytest.mark.usefixtures("connection")
def test_consuming(database: str, season: list[RecordedBlock], truth: Truth, tmp_path: Path) -> None:
    """Each death comes, and what one member of the group has stored, the next one does not get again."""
    with ReplayServer(season) as node:
        index(node, truth.contracts)
    dead = [death["user"] for death in truth.document["deaths"]]
    with iggy() as server, relay(database, server):
        address = f"127.0.0.1:{server.port}"
        await_true(lambda: server.has_topic("feed"), "there are no topics")
        with running(tmp_path, CONSUME, address, *server.login) as process:
            assert process.stdout is not None
            first = [line.strip().lower() for line in islice(process.stdout, 100)]
            process.kill()
            first += [line.strip().lower() for line in process.stdout]
        # Killed after it printed the last one of these: whether it has stored that offset, nobody knows.
        missing = Counter(dead) - Counter(first)
        with program(tmp_path, CONSUME, address, *server.login) as lines:
            second = list[str]()
            while missing - Counter(second):
                second.append(next(lines).strip().lower())
    assert Counter(second) - missing <= Counter(first[-1:]), "no other death comes twice"
    assert Counter(first) <= Counter(dead)


def test_every_error_is_explained() -> None:
    """docs/realtime.md explains exactly the error codes that the protocol has."""
    text = (PROJECT / "docs" / "realtime.md").read_text()
    table = text[text.index("| `ERROR` code |") : text.index("| closed with |")]
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(get_args(ErrorCode))
