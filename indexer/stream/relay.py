"""The outbox relay: tells the broker of everything, in order, at least once.

The outbox is the history itself, beyond a cursor that is stored after each publishing. What was published twice, after
a crash between the two, has the same message ids.
"""

import asyncio
import logging
import time
from typing import Any, Final

from opentelemetry.trace import get_current_span
from prometheus_client import Counter, Gauge
from psycopg import AsyncConnection

from indexer.base.tracing import TRACER
from indexer.domain.units import block_of
from indexer.selectors.status import RELAY
from indexer.store.lock import RELAY_LOCK
from indexer.stream import reader
from indexer.stream.broker import Broker
from indexer.stream.connection import fetch_one, listen, word
from indexer.stream.persistence import Attempts, persist
from indexer.stream.reader import Position, Step
from indexer.stream.topics import FEED, messages_of

logger = logging.getLogger(__name__)

STANDBY_PAUSE: Final = 0.5
MOST_TRUSTED: Final = 1.0
"""Seconds for which the lock is taken to be still ours without asking."""

PUBLISHED: Final = Counter("stream_messages_published", "Messages that the broker has taken")
LAG: Final = Gauge("stream_lag_blocks", "Indexed blocks that the broker has not been told of")
ACTIVE: Final = Gauge("stream_relay_active", "1 while this process is the relay, 0 while it stands by or has failed")


class Relay:
    """One at a time for a database; others stand by. Runs until its task is cancelled."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def run(self) -> None:
        """Publish for ever, whatever happens to broker and database meanwhile."""
        await persist(self._lead, "ghostnet relay", "events wait in the database")

    async def _lead(self, connection: AsyncConnection[Any], attempts: Attempts) -> None:
        try:
            await self._take_turn(connection)
            await listen(connection)
            position = await load_position(connection)
            await _show_lag(connection, position)
            await self._broker.create_topics()
            attempts.succeeded()
            ACTIVE.set(1)
            await self._tell(connection, position)
        finally:
            ACTIVE.set(0)

    @staticmethod
    async def _take_turn(connection: AsyncConnection[Any]) -> None:
        waiting = False
        while not await RELAY_LOCK.try_acquire_async(connection):
            if not waiting:
                logger.warning("another relay is at work; waiting to take over")
                LAG.set(0)
            waiting = True
            await asyncio.sleep(STANDBY_PAUSE)

    async def _tell(self, connection: AsyncConnection[Any], position: Position) -> None:
        while True:
            step = await reader.step(connection, position, reader.BLOCKS_A_PAGE)
            if step is not None and (step.reached != position or step.ancestor is not None):
                LAG.set(_lag(step.block.block_number, position))
                await self._publish(connection, step)
                position = step.reached
                LAG.set(_lag(step.block.block_number, position))
            if step is None or step.complete:
                await word(connection)

    @TRACER.start_as_current_span("publish")
    async def _publish(self, connection: AsyncConnection[Any], step: Step) -> None:
        get_current_span().set_attributes({"block": step.block.block_number, "events": len(step.items)})
        tip = {step.block.block_number: step.block.block_hash}
        hashes = tip | await reader.block_hashes(connection, {item.block_number for item in step.items} - set(tip))
        told = messages_of(step, hashes)
        read_at = time.monotonic()
        # Browsers wait for the feed; who reads the other topics has more time.
        for place, messages in sorted(told.items(), key=lambda one: one[0][0] != FEED):
            if time.monotonic() - read_at > MOST_TRUSTED:
                # A process that stood still may have lost the lock: somebody else tells newer things by now.
                await connection.execute("SELECT 1")
                read_at = time.monotonic()
            await self._broker.publish(place, messages)
            PUBLISHED.inc(len(messages))
        await store_position(connection, step.reached)


async def _show_lag(connection: AsyncConnection[Any], position: Position) -> None:
    """Tell how much waits, also while the broker can't be told."""
    found = await reader.newest(connection)
    if found is not None:
        LAG.set(_lag(found[0].block_number, position))


def _lag(block_number: int, position: Position) -> int:
    return max(0, block_number - block_of(position.cursor))


async def load_position(connection: AsyncConnection[Any]) -> Position:
    """How far the broker has been told; the very beginning before anything was."""
    row = await fetch_one(connection, "SELECT event_id, reorg_id FROM outbox_cursors WHERE consumer = %s", (RELAY,))
    return Position(0, 0) if row is None else Position(*row)


async def store_position(connection: AsyncConnection[Any], position: Position) -> None:
    """Remember how far the broker has been told."""
    await connection.execute(
        "INSERT INTO outbox_cursors (consumer, event_id, reorg_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (consumer) DO UPDATE SET event_id = excluded.event_id, reorg_id = excluded.reorg_id",
        (RELAY, position.cursor, position.reorg),
    )
