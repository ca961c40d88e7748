"""The relay as a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.forks import Fork
from tests.iggy.server import StandIn
from tests.processes import environment_of


@contextmanager
def relay(database: str, server: StandIn) -> Iterator[Fork]:
    """`relay_events` as a process of its own."""
    environment = environment_of(database, "http://127.0.0.1:9", IGGY_URL=server.url)
    process = Fork(["manage.py", "relay_events"], environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
