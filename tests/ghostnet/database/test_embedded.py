"""The embedded PostgreSQL: real servers in folders of their own."""

import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ghostnet.database.embedded import EmbeddedPostgres, EmbeddedPostgresFailed


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that the server's user can reach, with a space in its name; its server is stopped at the end."""
    root = Path(tempfile.mkdtemp(prefix="ghostnet test "))
    root.chmod(0o755)
    try:
        yield root / ".ghostnet"
    finally:
        EmbeddedPostgres(root / ".ghostnet", durable=False).stop()
        shutil.rmtree(root)


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


def ask(server: EmbeddedPostgres, sql: str) -> str:
    with psycopg.connect(host=str(server.socket_folder), user="postgres", dbname="ghostnet") as connection:
        row = connection.execute(sql).fetchone()
        assert row is not None
        return str(row[0])


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture(scope="module")
def existing() -> Iterator[Path]:
    """The folder of a server that was made and stopped; each test leaves it stopped and able to start."""
    with own_folder() as made:
        server = EmbeddedPostgres(made, durable=False)
        server.ensure_running()
        server.stop()
        yield made


def test_it_starts_on_a_private_socket_without_tcp_and_stops_however_long_its_path(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("x" * 100) / ("y" * 100), durable=False)
    try:
        server.ensure_running()
        assert ask(server, "SELECT 1") == "1"
        assert ask(server, "SHOW server_version").startswith("18")
        assert ask(server, "SHOW listen_addresses") == ""
        assert ask(server, "SELECT datcollate FROM pg_database LIMIT 1") == "C"
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0
        assert server.stop() is True
        assert not server.answers()
        assert server.stop() is False
    finally:
        server.stop()


def test_data_survive_a_restart_and_a_kill(existing: Path) -> None:
    server = EmbeddedPostgres(existing)
    server.ensure_running()
    with psycopg.connect(host=str(server.socket_folder), user="postgres", dbname="ghostnet") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(server), signal.SIGKILL)
    while server.answers():
        time.sleep(0.02)
    EmbeddedPostgres(existing).ensure_running()
    assert ask(server, "SELECT answer FROM kept") == "42"
    assert server.stop() is True


def test_a_stale_pid_that_belongs_to_somebody_else_is_no_obstacle_and_no_victim(existing: Path) -> None:
    server = EmbeddedPostgres(existing, durable=False)
    server.ensure_running()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        assert server.stop() is False
        server.ensure_running()
        assert ask(server, "SELECT 1") == "1"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        server.stop()


def start(folder: Path) -> None:
    EmbeddedPostgres(folder, durable=False).ensure_running()


def test_processes_that_start_it_at_once_after_an_interrupted_initialization_share_one_server(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18")
    context = multiprocessing.get_context("spawn")
    starters = [context.Process(target=start, args=(folder,)) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert [starter.exitcode for starter in starters] == [0, 0, 0]
    assert ask(EmbeddedPostgres(folder), "SELECT 1") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_in_a_folder_that_its_user_cannot_reach_the_data_live_elsewhere(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres(private / ".ghostnet", durable=False)
    try:
        server.ensure_running()
        assert ask(server, "SELECT 1") == "1"
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert server.data.is_relative_to("/var/lib/ghostnet")
    finally:
        server.stop()
        shutil.rmtree(server.data.parent, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_a_new_folder_of_an_old_name_does_not_find_the_old_data(tmp_path: Path) -> None:
    """A clone that was deleted while its server ran, and cloned again."""
    private, old_homes = tmp_path / "private", []
    try:
        for _ in range(2):
            private.mkdir(mode=0o700)
            server = EmbeddedPostgres(private / ".ghostnet", durable=False)
            server.ensure_running()
            old_homes.append((server, server.data.parent))
            with psycopg.connect(host=str(server.socket_folder), user="postgres", dbname="ghostnet") as connection:
                connection.execute("CREATE TABLE only_once ()")
            shutil.rmtree(private)
    finally:
        for server, home in old_homes:
            server.stop()
            shutil.rmtree(home, ignore_errors=True)


def test_a_server_that_cannot_start_says_why(existing: Path) -> None:
    server = EmbeddedPostgres(existing, durable=False)
    config = server.data / "postgresql.conf"
    right = config.read_text()
    config.write_text(f"{right}no_such_setting = 1\n")
    try:
        with pytest.raises(EmbeddedPostgresFailed, match="DATABASE_URL") as raised:
            server.ensure_running()
    finally:
        config.write_text(right)
    assert str(server.log) in str(raised.value)


def test_somebody_else_s_socket_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    server.socket_folder.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresFailed, match="belongs to another user"):
            server.ensure_running()
    finally:
        server.socket_folder.unlink()


def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(
        EmbeddedPostgresFailed, match=r"/dev/null/x can't be used: .*Not a directory.*\nLet GHOSTNET_DATA_DIR"
    ):
        EmbeddedPostgres(Path("/dev/null/x")).ensure_running()
