"""The indexer as a process of its own, and waiting for its progress."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from indexer.domain.units import to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.filling import fill
from tests.forks import Fork
from tests.paths import SEASON_DEPLOYMENT
from tests.rows import fetch_one

HEAD = 300
"""The block at which `live` begins by default."""

FENCE = "SELECT fence FROM checkpoints"
"""Rises when an indexer begins."""


def environment_of(database: str, url: str, **variables: str) -> dict[str, str]:
    """The environment of the project's commands: this database, the node at this address, the season's deployment, no
    broker."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ghostnet.settings",
        "DATABASE_URL": database,
        "GHOSTNET_RPC_URLS": url,
        "GHOSTNET_DEPLOYMENT": str(SEASON_DEPLOYMENT),
        "GHOSTNET_POLL_INTERVAL": "0.1",
        "GHOSTNET_KEEP_TRANSFERS_DAYS": "0",
        "GHOSTNET_KEEP_ARCHIVE_DAYS": "0",
        "IGGY_URL": "",
        **variables,
    }


@contextmanager
def live(
    database: str, connection: Connection[Any], season: list[RecordedBlock], head: int = HEAD, **options: Any
) -> Iterator[ReplayServer]:
    """A node at a block, with these options, that an indexer of its own follows; `database` is the default one, and
    empty."""
    fill(connection, head)
    fence = fetch_one(connection, FENCE)
    with (
        ReplayServer(season, ReplayOptions(head=head, **options)) as node,
        indexer(database, node.url, GHOSTNET_RPC_WS_URL=node.ws_url),
    ):
        await_begun(connection, fence)
        yield node


def run_command(database: str, url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` with these arguments to its end."""
    process = Fork(["manage.py", *arguments], environment_of(database, url, **variables))
    try:
        said, complained = process.communicate(timeout=100)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.wait(), said, complained)


@contextmanager
def indexer(database: str, url: str, *arguments: str, **variables: str) -> Iterator[Fork]:
    """`index_chain` with these arguments and environment variables; killed at the end if it still runs."""
    process = Fork(["manage.py", "index_chain", *arguments], environment_of(database, url, **variables))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def await_begun(connection: Connection[Any], fence: int) -> None:
    """Wait until an indexer has begun since the fence was read."""
    await_true(lambda: fetch_one(connection, FENCE) > fence, "the indexer has not begun")


def await_block(connection: Connection[Any], block: int) -> None:
    """Wait until a block is indexed."""
    await_true(lambda: checkpoint(connection) >= block, f"block {block} was not reached")


def await_tip(connection: Connection[Any], block_hash: str) -> None:
    """Wait until a block is the checkpoint."""

    def arrived() -> bool:
        row = connection.execute("SELECT block_hash FROM checkpoints").fetchone()
        return row is not None and to_hex(row[0]) == block_hash

    await_true(arrived, f"{block_hash} did not become the checkpoint")


def checkpoint(connection: Connection[Any]) -> int:
    """The last indexed block, -1 for none."""
    return int(fetch_one(connection, "SELECT coalesce(max(block_number), -1) FROM checkpoints"))


def await_true(condition: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def terminate(process: Fork, within: float = 40) -> str:
    """Send SIGTERM; return the process's output, once it has ended with status 0, in time for a machine under load."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=within)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said
