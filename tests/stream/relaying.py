"""The relay beside a test: as a process, or as a task of the test's event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from indexer.stream.broker import Broker
from indexer.stream.connection import connect, fetch_one
from indexer.stream.relay import Relay
from tests.forks import Fork
from tests.iggy.real import Server
from tests.processes import environment_of

PUBLISHED = (
    "SELECT FROM outbox_cursors WHERE event_id >> 23 = %s AND reorg_id = (SELECT coalesce(max(id), 0) FROM reorgs)"
)


@contextmanager
def relay(database: str, server: Server) -> Iterator[Fork]:
    """`relay_events` as a process of its own."""
    environment = environment_of(database, "http://127.0.0.1:9", IGGY_URL=server.url)
    process = Fork(["manage.py", "relay_events"], environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def relaying(broker: Broker, until: int) -> AsyncIterator[None]:
    """A relay in this event loop; when the block ends, all up to the block `until`, and every reorg, is published."""
    task = asyncio.create_task(Relay(broker).run())
    try:
        yield
        async with asyncio.timeout(50), await connect("ghostnet test") as connection:
            while await fetch_one(connection, PUBLISHED, (until,)) is None:  # noqa: ASYNC110 - stored without a NOTIFY
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
