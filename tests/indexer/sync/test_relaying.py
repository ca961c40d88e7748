"""The relay in the indexer's own process: it publishes while the worker runs, and ends with it."""

import threading
from typing import Any

from psycopg import Connection

from indexer.models import OutboxCursor
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.sync.relaying import relay_job
from tests.indexing import index
from tests.processes import await_true
from tests.rows import fetch_one
from tests.stream.memory import MemoryBroker


def test_the_relay_publishes_beside_the_indexer_and_ends_with_it(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    published = f"SELECT max(event_id >> 23) FROM outbox_cursors WHERE consumer = '{OutboxCursor.RELAY}'"
    stop = threading.Event()
    job = relay_job(MemoryBroker())
    with ReplayServer(season[:50]) as server:
        worker = threading.Thread(
            target=lambda: index(server, truth.contracts, until_head=False, stop=stop, jobs=[job])
        )
        worker.start()
        try:
            await_true(lambda: fetch_one(connection, published) == 49, "the relay did not publish everything")
        finally:
            stop.set()
            worker.join()
    assert "relay" not in {thread.name for thread in threading.enumerate()}
