"""Indexer and database are killed, stopped, out of disk: the tables are then those of a run without faults."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ghostnet.database.embedded import EmbeddedPostgres
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync.worker import FIRST_PAUSE_SECONDS
from tests.filling import fill
from tests.indexer.sync.simulation import kill_indexer
from tests.indexing import following
from tests.processes import (
    FENCE,
    HEAD,
    await_begun,
    await_block,
    await_true,
    checkpoint,
    indexer,
    live,
    run_command,
    terminate,
)
from tests.rows import fetch_one
from tests.web import NO_NODE

Digest = Callable[[int], str]


@pytest.mark.parametrize("seed", range(2))
def test_an_indexer_killed_at_any_instant_loses_and_doubles_nothing(
    database: str, connection: Connection[Any], season: list[RecordedBlock], digest_at: Digest, seed: int
) -> None:
    draw = random.Random(seed)
    fill(connection, HEAD)
    with ReplayServer(season[:451]) as server:
        for kill_at in sorted(draw.sample(range(HEAD + 5, 430), 2)):
            with indexer(database, server.url, "--batch-size", str(draw.choice((1, 3, 10)))) as process:
                await_block(connection, kill_at)
                time.sleep(draw.uniform(0, 0.05))
                process.kill()
                process.wait()
            await_true(lambda: not indexing(connection), "the killed indexer's session did not end")
            assert state_digest(connection) == digest_at(checkpoint(connection))
        with indexer(database, server.url, "--until-head") as process:
            _, said = process.communicate(timeout=100)
            assert process.returncode == 0, said
    assert state_digest(connection) == digest_at(450)


def indexing(connection: Connection[Any]) -> bool:
    """Whether some session holds the chain's lock."""
    return bool(
        fetch_one(
            connection,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
    )


def test_a_kill_between_copy_and_commit_leaves_nothing_of_the_batch(
    database: str, connection: Connection[Any], season: list[RecordedBlock], digest_at: Digest
) -> None:
    """The test lets no headers in, so that the writer waits with all history copied and nothing committed."""
    fill(connection, 300)
    with ReplayServer(season, ReplayOptions(head=400)) as server:
        with connect() as holder, holder.transaction():
            holder.execute("LOCK TABLE blocks IN SHARE MODE")
            with indexer(database, server.url) as process:
                await_true(lambda: waiting_for_a_lock(connection), "the writer did not come to the headers")
                process.kill()
                process.wait()
        await_true(lambda: not indexing(connection), "the killed indexer's session did not end")
        assert fetch_one(connection, "SELECT max(id >> 23) FROM chain_events") <= 300
        assert state_digest(connection) == digest_at(300)
        with indexer(database, server.url, "--until-head") as process:
            process.communicate(timeout=100)
    assert state_digest(connection) == digest_at(400)


def waiting_for_a_lock(connection: Connection[Any]) -> bool:
    return bool(
        fetch_one(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
    )


def test_two_indexers_started_at_once_do_the_work_of_one(
    database: str, connection: Connection[Any], season: list[RecordedBlock], digest_at: Digest
) -> None:
    with (
        ReplayServer(season) as server,
        indexer(database, server.url, "--to-block", "400") as first,
        indexer(database, server.url, "--to-block", "400") as second,
    ):
        said = [process.communicate(timeout=100)[1] for process in (first, second)]
        assert (first.returncode, second.returncode) == (0, 0), said
    assert state_digest(connection) == digest_at(400)


class OwnServer:
    """A PostgreSQL server that a test may kill, with a database `ghostnet`."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder, durable=False)
        self.url = f"postgresql:///ghostnet?host={self.server.socket_folder}&user=postgres"

    def start(self) -> None:
        self.server.ensure_running()

    def kill(self) -> None:
        pid = int((self.server.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)


def test_a_commit_that_fails_at_the_head_is_made_up_for_without_a_new_block(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    with live(database, connection, season) as node:
        with connect() as other, other.transaction():
            other.execute("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
            node.advance()
            await_true(lambda: waiting_for_a_lock(connection), "nothing is written")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        await_block(connection, 301)


@pytest.fixture(scope="module")
def servers() -> Iterator[Path]:
    """A folder for servers, with the files of one that holds a migrated database and does not run: `migrated`."""
    folder = Path(tempfile.mkdtemp(prefix="ghostnet-own-"))
    folder.chmod(0o755)
    server = OwnServer(folder / "migrated")
    server.start()
    migrated = run_command(server.url, NO_NODE, "migrate", "-v", "0")
    assert migrated.returncode == 0, migrated.stderr
    server.server.stop()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own_server(servers: Path) -> Iterator[OwnServer]:
    folder = servers / "copy"
    subprocess.run(["cp", "-a", servers / "migrated", folder], check=True)
    (folder / "postgres.name").unlink()
    own = OwnServer(folder)
    own.start()
    yield own
    own.server.stop()
    shutil.rmtree(folder)


def test_postgresql_killed_twice_is_waited_for_and_nothing_is_lost(
    own_server: OwnServer, season: list[RecordedBlock], digest_at: Digest
) -> None:
    """Once in a backfill, whose commits do not wait for the disk, once at the head."""
    with (
        ReplayServer(season, ReplayOptions(head=HEAD)) as server,
        indexer(own_server.url, server.url, "--to-block", "400", "--batch-size", "2") as process,
    ):
        with own_server.connect() as connection:
            await_block(connection, 100)
        own_server.kill()
        time.sleep(0.5)
        own_server.start()
        with own_server.connect() as connection:
            await_block(connection, HEAD)
        own_server.kill()
        server.restore_recorded(400)
        own_server.start()
        _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said
        assert said.count("indexing was interrupted") >= 2, said
    with own_server.connect() as connection:
        assert state_digest(connection) == digest_at(400)


def test_a_standby_outlives_its_database(own_server: OwnServer, season: list[RecordedBlock], digest_at: Digest) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=300)) as server,
        indexer(own_server.url, server.url) as active,
        own_server.connect() as connection,
    ):
        await_block(connection, 300)
        with indexer(own_server.url, server.url, "--to-block", "400") as standby:
            assert standby.stderr is not None
            assert "waiting to take over" in standby.stderr.readline()
            active.kill()
            own_server.kill()
            time.sleep(0.5)
            own_server.start()
            server.restore_recorded(400)
            _, said = standby.communicate(timeout=100)
            assert standby.returncode == 0, said
    with own_server.connect() as connection:
        assert state_digest(connection) == digest_at(400)


def test_a_full_disk_is_named_and_indexing_goes_on_once_there_is_room(
    own_server: OwnServer, season: list[RecordedBlock], digest_at: Digest
) -> None:
    with small_disk(own_server) as (url, make_room), ReplayServer(season) as server:
        with indexer(url, server.url, "--to-block", "900") as process:
            _, said = process.communicate(timeout=100)
        assert process.returncode == 1, said
        assert "the database's disk is full" in said
        assert "Free some space" in said
        assert "Traceback" not in said
        make_room()
        with psycopg.connect(url, autocommit=True) as connection:
            stopped_at = checkpoint(connection)
            assert stopped_at < 900
            if stopped_at >= 0:
                assert state_digest(connection) == digest_at(stopped_at)
        with indexer(url, server.url, "--to-block", "900") as process:
            _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said
        with psycopg.connect(url, autocommit=True) as connection:
            assert state_digest(connection) == digest_at(900)


@contextmanager
def small_disk(own: OwnServer) -> Iterator[tuple[str, Callable[[], None]]]:
    """The URL of a database on a file system of its own with little room left, and a way to make room.

    It is on a server of its own: while a disk is full, no session of its server can create or drop a database. Where
    file systems can't be mounted, a trigger refuses what a full disk would, with the server's own error code.
    """
    folder = Path(tempfile.mkdtemp(prefix="ghostnet-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "none", folder], check=False).returncode == 0
    try:
        with small_file_system(own, folder) if mounted else refusing_trigger(own) as found:
            yield found
    finally:
        shutil.rmtree(folder)


@contextmanager
def small_file_system(own: OwnServer, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A database on the file system that is mounted at `folder`, which is full until there is room."""
    folder.chmod(0o755)
    space, ballast = folder / "space", folder / "ballast"
    space.mkdir()
    subprocess.run(["chown", f"--reference={own.server.data}", space], check=True)
    try:
        with psycopg.connect(own.url.replace("/ghostnet?", "/postgres?"), autocommit=True) as server:
            server.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
            server.execute("CREATE DATABASE small TEMPLATE ghostnet TABLESPACE small")
            room = os.statvfs(folder)
            ballast.write_bytes(b"\0" * (room.f_bavail * room.f_frsize - (1 << 20)))
            yield own.url.replace("/ghostnet?", "/small?"), ballast.unlink
            server.execute("DROP DATABASE small WITH (FORCE)")
            server.execute("DROP TABLESPACE small")
    finally:
        own.server.stop()
        subprocess.run(["umount", folder], check=True)


@contextmanager
def refusing_trigger(own: OwnServer) -> Iterator[tuple[str, Callable[[], None]]]:
    """The server's database with a trigger that refuses rows, until there is room."""
    with own.connect() as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
            " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;"
            " CREATE TRIGGER full_disk BEFORE INSERT ON level_states FOR EACH ROW WHEN (NEW.id > 2000000000)"
            " EXECUTE FUNCTION full_disk()"
        )

    def make_room() -> None:
        with own.connect() as connection:
            connection.execute("DROP TRIGGER full_disk ON level_states")

    yield own.url, make_room


def test_sigterm_ends_a_backfill_and_the_following(
    database: str, connection: Connection[Any], season: list[RecordedBlock], digest_at: Digest
) -> None:
    with ReplayServer(season) as server, indexer(database, server.url, "--batch-size", "2") as process:
        await_block(connection, 50)
        terminate(process)
    stopped_at = checkpoint(connection)
    assert 50 <= stopped_at < 1007
    assert state_digest(connection) == digest_at(stopped_at)


def test_sigterm_ends_a_standby(database: str, connection: Connection[Any], season: list[RecordedBlock]) -> None:
    with (
        ReplayServer(season[:100]) as server,
        indexer(database, server.url) as active,
    ):
        await_block(connection, 99)
        with indexer(database, server.url) as standby:
            assert standby.stderr is not None
            assert "waiting to take over" in standby.stderr.readline()
            terminate(standby)
        terminate(active)


def test_sigterm_ends_the_wait_for_a_database_that_is_gone(own_server: OwnServer, season: list[RecordedBlock]) -> None:
    options = ReplayOptions(head=90)
    with ReplayServer(season, options) as server, indexer(own_server.url, server.url) as process:
        with own_server.connect() as connection:
            await_block(connection, 90)
        own_server.server.stop()
        server.restore_recorded(91)
        time.sleep(1.5)
        assert "indexing was interrupted" in terminate(process)


def test_an_indexer_goes_on_after_a_cancelled_statement_and_ten_seconds_of_read_only(
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Digest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a failover does it: sessions end, and new ones may only read for a while."""
    name = fetch_one(connection, "SELECT current_database()")
    fill(connection, 300)
    fence = fetch_one(connection, FENCE)
    with ReplayServer(season, ReplayOptions(head=300)) as node, following(node, truth.contracts):
        await_begun(connection, fence)
        with connect() as other, other.transaction():
            other.execute("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
            node.restore_recorded(305)
            await_true(lambda: waiting_for_a_lock(connection), "nothing is written")
            connection.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        await_block(connection, 305)
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        kill_indexer(connection)
        node.restore_recorded(310)
        await_true(lambda: len(pauses(caplog.text)) > 2, "the database is not read only")
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        await_block(connection, 310)
    assert "the database ended what was under way" in caplog.text
    assert pauses(caplog.text)[2] > 2 * FIRST_PAUSE_SECONDS - 0.1, "it is tried again without a rest"
    assert state_digest(connection) == digest_at(310)


def pauses(log: str) -> list[float]:
    """The pauses in seconds before each further attempt while the database takes no writes."""
    return [float(seconds) for seconds in re.findall(r"again in ([\d.]+) s: the database takes no writes", log)]
