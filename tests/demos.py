"""The demo, as a process with a data folder of its own."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ghostnet.database.embedded import EmbeddedPostgres
from tests.paths import PROJECT


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(port: int, *options: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A demo that is starting, with additional environment variables, and its data folder; killed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ghostnet-demo-"))
    folder.chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    }
    environment |= {"GHOSTNET_DATA_DIR": str(folder / "data"), **settings}
    command = [sys.executable, "manage.py", "demo", "--port", str(port), *options]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, folder / "data"
        finally:
            process.kill()
            process.wait()
            EmbeddedPostgres(folder / "data").stop()


def await_opened(process: subprocess.Popen[str], port: int) -> str:
    """The demo's output until its request to open the page."""
    assert process.stdout is not None
    said = ""
    while f"open http://127.0.0.1:{port}/" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def indexed_block(port: int) -> int:
    """The newest block that the demo's page shows; 0 while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
            found = re.search(r'data-block="(\d+)"', response.read().decode())
            return int(found[1]) if found else 0
    except (urllib.error.URLError, ConnectionError):
        return 0
