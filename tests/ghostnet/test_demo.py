"""The demo, as a user runs it: it shows the chain moving, and leaves nothing running."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ghostnet.database.embedded import EmbeddedPostgres
from tests.paths import PROJECT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(port: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    folder = Path(tempfile.mkdtemp(prefix="ghostnet-demo-"))
    folder.chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    }
    environment["GHOSTNET_DATA_DIR"] = str(folder / "data")
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, folder / "data"
        finally:
            process.kill()
            process.wait()
            EmbeddedPostgres(folder / "data").stop()


def indexed_block(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            found = re.search(r'data-block="(\d+)"', response.read().decode())
            return int(found[1]) if found else 0
    except (urllib.error.URLError, ConnectionError):
        return 0


def processes_with(text: str) -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if text in line]


def test_it_shows_the_chain_moving_and_ctrl_c_ends_everything() -> None:
    port = free_port()
    with demo(port) as (process, data):
        deadline = time.monotonic() + 60
        while indexed_block(port) <= 520:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.2)
        second = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", str(free_port())],
            cwd=PROJECT,
            env={**os.environ, "GHOSTNET_DATA_DIR": str(data)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "a demo is running" in second.stderr
        first = indexed_block(port)
        time.sleep(1)
        assert indexed_block(port) > first
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0, output
        assert f"open http://127.0.0.1:{port}/" in output
        assert "Traceback" not in output
        assert indexed_block(port) == 0
        assert processes_with(str(data)) == []


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo(port) as (process, data):
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 1
            assert f"port {port} is taken" in output
            assert "--port" in output
            assert not (data / "postgres").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_killing_the_demo_ends_its_parts() -> None:
    port = free_port()
    with demo(port) as (process, _):
        deadline = time.monotonic() + 60
        while indexed_block(port) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.kill()
        process.wait()
        while time.monotonic() < deadline and indexed_block(port):
            time.sleep(0.1)
        assert indexed_block(port) == 0
