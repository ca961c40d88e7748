"""The relay as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.iggy.server import StandIn
from tests.paths import PROJECT
from tests.processes import environment_of


@contextmanager
def relay(database: str, server: StandIn) -> Iterator[subprocess.Popen[str]]:
    """`relay_events` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "relay_events"],
        cwd=PROJECT,
        env=environment_of(database, "http://127.0.0.1:9", IGGY_URL=server.url),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
