"""The outbox relay: publishes everything to the broker, in order, at least once.

The outbox is the history itself, beyond a feed cursor that is stored after each step's messages are published. What is
published twice, after a crash between the two, has the same message ids.
"""

import asyncio
import logging
import time
from typing import Any, Final

from opentelemetry.trace import get_current_span
from prometheus_client import Counter, Gauge
from psycopg import AsyncConnection

from indexer.base.retry import Backoff
from indexer.base.tracing import TRACER
from indexer.domain.units import block_of
from indexer.models import OutboxCursor
from indexer.store.lock import RELAY_LOCK
from indexer.stream import reader
from indexer.stream.broker import Broker
from indexer.stream.connection import fetch_one, listen, wait_for_commit
from indexer.stream.reader import FeedCursor, Step
from indexer.stream.reconnect import run_with_reconnect
from indexer.stream.topics import FEED, messages_of

logger = logging.getLogger(__name__)

STANDBY_PAUSE_SECONDS: Final = 0.5
"""Seconds between two attempts of a standby to take the lock."""
LOCK_TRUSTED: Final = 1.0
"""Seconds for which the lock is assumed to be held without asking the server."""

PUBLISHED: Final = Counter("stream_messages_published", "Messages that the broker has accepted")
LAG: Final = Gauge("stream_lag_blocks", "Indexed blocks that are not published yet")
ACTIVE: Final = Gauge("stream_relay_active", "1 while this process is the relay, 0 while it stands by or has failed")


class Relay:
    """One is active for a database, by an advisory lock; others stand by. Runs until its task is cancelled."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def run(self) -> None:
        """Publish forever, reconnecting to broker and database as needed."""
        await run_with_reconnect(self._lead, "ghostnet relay", "events wait in the database")

    async def _lead(self, connection: AsyncConnection[Any], backoff: Backoff) -> None:
        try:
            await self._acquire_lock(connection)
            await listen(connection)
            cursor = await load_cursor(connection)
            await _show_lag(connection, cursor)
            await self._broker.create_topics()
            ACTIVE.set(1)
            await self._publish_steps(connection, cursor, backoff)
        finally:
            ACTIVE.set(0)

    @staticmethod
    async def _acquire_lock(connection: AsyncConnection[Any]) -> None:
        waiting = False
        while not await RELAY_LOCK.try_acquire_async(connection):
            if not waiting:
                logger.warning("another relay is active; waiting to take over")
                LAG.set(0)
            waiting = True
            await asyncio.sleep(STANDBY_PAUSE_SECONDS)

    async def _publish_steps(self, connection: AsyncConnection[Any], cursor: FeedCursor, backoff: Backoff) -> None:
        while True:
            step = await reader.read_step(connection, cursor, reader.BLOCKS_A_PAGE)
            if step is not None and (step.cursor != cursor or step.ancestor is not None):
                LAG.set(_lag(step.block.block_number, cursor))
                await self._publish(connection, step)
                cursor = step.cursor
                LAG.set(_lag(step.block.block_number, cursor))
            backoff.reset()
            if step is None or step.complete:
                await wait_for_commit(connection)

    @TRACER.start_as_current_span("publish")
    async def _publish(self, connection: AsyncConnection[Any], step: Step) -> None:
        get_current_span().set_attributes({"block": step.block.block_number, "events": len(step.items)})
        tip = {step.block.block_number: step.block.block_hash}
        hashes = tip | await reader.block_hashes(connection, {item.block_number for item in step.items} - set(tip))
        asked_at = time.monotonic()
        # Browsers wait for FEED; readers of the other topics have more time.
        for partition, messages in sorted(messages_of(step, hashes).items(), key=lambda one: one[0] != FEED):
            if time.monotonic() - asked_at > LOCK_TRUSTED:
                # A process that was suspended may have lost the lock, and another relay may have published newer steps.
                await connection.execute("SELECT 1")
                asked_at = time.monotonic()
            await self._broker.publish(partition, messages)
            PUBLISHED.inc(len(messages))
        await store_cursor(connection, step.cursor)


async def load_cursor(connection: AsyncConnection[Any]) -> FeedCursor:
    """The stored cursor up to which everything is published; the very beginning if there is none."""
    query = "SELECT event_id, reorg_id FROM outbox_cursors WHERE consumer = %s"
    row = await fetch_one(connection, query, (OutboxCursor.RELAY,))
    return FeedCursor(0, 0) if row is None else FeedCursor(*row)


async def store_cursor(connection: AsyncConnection[Any], cursor: FeedCursor) -> None:
    """Store the cursor up to which everything is published."""
    await connection.execute(
        "INSERT INTO outbox_cursors (consumer, event_id, reorg_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (consumer) DO UPDATE SET event_id = excluded.event_id, reorg_id = excluded.reorg_id",
        (OutboxCursor.RELAY, cursor.event_id, cursor.reorg_id),
    )


async def _show_lag(connection: AsyncConnection[Any], cursor: FeedCursor) -> None:
    """Set the lag from the tables, also while the broker is unavailable."""
    found = await reader.read_newest(connection)
    if found is not None:
        LAG.set(_lag(found[0].block_number, cursor))


def _lag(block_number: int, cursor: FeedCursor) -> int:
    return max(0, block_number - block_of(cursor.event_id))
