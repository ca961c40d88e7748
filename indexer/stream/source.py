"""The sources that a web process reads the feed from: the tables themselves, or the broker's `feed` topic."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final, Protocol

import msgspec
from psycopg import AsyncConnection

from indexer.base.errors import GhostnetError
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.broker import Broker, Received
from indexer.stream.commit_payload import commit_of, step_of_payload
from indexer.stream.connection import listen, notifications, wait_for_commit
from indexer.stream.feed import FeedItem
from indexer.stream.ids import last_id
from indexer.stream.reader import FeedCursor, Step
from indexer.stream.topics import FEED, CommitMessage, EventMessage, FeedMessage, ReorgMessage, decode

BUSY_POLL: Final = 0.001
"""Seconds between two polls after a commit, whose messages must be on their way: Iggy pushes nothing."""
EXPECTED: Final = 0.25
"""Seconds after a commit in which its messages are expected; later ones are found by the next idle poll."""
IDLE_POLL: Final = 0.05
"""Seconds between two polls while nothing is committed."""
MAX_POLLED_MESSAGES: Final = 1_000
"""Messages of one poll."""
LONG_SILENCE: Final = 2.0
"""Seconds without a message after which the topic's end is checked."""
MAX_ITEMS: Final = 50_000
MAX_BLOCKS: Final = 5_000
"""Items, and blocks with events, in one step. A reader that is further behind starts anew at the newest block, and its
clients ask for what they missed, a page at a time."""

logger = logging.getLogger(__name__)


class MustBeginAnew(GhostnetError):
    """There is no step from where a reader was."""

    help = "Nothing is lost: clients are disconnected and reconnect with their cursors."


class FellBehind(MustBeginAnew):
    """More has happened since the last step than one step may hold."""


class TablesAreOlder(MustBeginAnew):
    """The tables hold an earlier state than was read from them: a backup was restored, or a server took over that
    lacked the last commits. Revisions and reorgs after it have numbers that were read already."""


class Source(Protocol):
    """Yields a step for each commit, in order, for commits after the call of `begin`."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        """Subscribe to commits, so that `steps` misses none from here on.

        Raises psycopg.OperationalError and BrokerUnavailable.
        """

    def steps(self, connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor) -> AsyncIterator[Step]:
        """The steps since a cursor, which is the end of `block`; never ends. Raises as `begin` does, and
        MustBeginAnew."""


class DatabaseSource:
    """Uses the payloads of commit notifications, and reads the tables by cursor for everything else."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        await listen(connection)

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor
    ) -> AsyncIterator[Step]:
        await _check_age(connection, block, cursor)
        while True:
            step = await _whole_step(connection, block, cursor)
            if step.block.revision != block.revision:
                block, cursor = step.block, step.cursor
                yield step
            while announced := await _announced_step(connection, block, cursor):
                block, cursor = announced.block, announced.cursor
                yield announced


class BrokerSource:
    """Reads the `feed` topic, from its end at the time of `begin`.

    The topic is not trusted to be complete: a broker may lose its end in a crash or its beginning to retention, or it
    may have been deleted and created again. What is missing is read from the tables.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offset: int | None = None

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        await listen(connection)
        if self._offset is None:
            self._offset = await self._broker.end(FEED)

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor
    ) -> AsyncIterator[Step]:
        """Items up to `cursor` are skipped, also when they are published again; a step whose reading was interrupted
        is followed by one that has all of it."""
        assert self._offset is not None, "begin comes first"
        while True:
            try:
                async for step in self._read(connection, block, cursor):
                    block, cursor = step.block, step.cursor
                    yield step
            except _TopicHasGap as gap:
                logger.warning("%s; what is missing is read from the tables", gap)
                self._offset = await self._broker.end(FEED)
                found = await _whole_step(connection, block, cursor)
                if found.block.revision > block.revision:
                    block, cursor = found.block, found.cursor
                    yield found
            except MustBeginAnew:
                self._offset = None
                raise

    async def _read(
        self, connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor
    ) -> AsyncIterator[Step]:
        """The steps in the topic. Raises _TopicHasGap and MustBeginAnew."""
        await _check_age(connection, block, cursor)
        assembler = _StepAssembler(cursor)
        async for message in self._messages(connection):
            step = assembler.add(_decoded(message))
            if step is not None:
                # Not before the whole step is read: a reader that starts again after a failure needs all of it.
                self._offset = message.offset + 1
                if step.block.revision > block.revision:
                    yield step
                    block, cursor = step.block, step.cursor
                else:  # published again, or after the tables were restored
                    await _check_age(connection, block, cursor)
                assembler = _StepAssembler(cursor)

    async def _messages(self, connection: AsyncConnection[Any]) -> AsyncIterator[Received]:
        """All messages in order, polled often after a commit and seldom without one. Raises _TopicHasGap."""
        assert self._offset is not None
        offset, checked_at, expected_until = self._offset, time.monotonic(), 0.0
        while True:
            messages = await self._broker.poll(FEED, offset, MAX_POLLED_MESSAGES)
            for message in messages:
                if message.offset != offset:
                    raise _TopicHasGap(f"the topic continues at offset {message.offset} instead of {offset}")
                offset += 1
                yield message
            if messages:
                checked_at = time.monotonic()
                continue
            if time.monotonic() - checked_at > LONG_SILENCE:
                checked_at = time.monotonic()
                if (end := await self._broker.end(FEED)) < offset:
                    raise _TopicHasGap(f"the topic ends at offset {end}, before {offset}")
            if time.monotonic() < expected_until:
                await asyncio.sleep(BUSY_POLL)
            elif await wait_for_commit(connection, IDLE_POLL):
                expected_until = time.monotonic() + EXPECTED


class _StepAssembler:
    """Collects the messages of one step after a cursor."""

    def __init__(self, cursor: FeedCursor) -> None:
        self._cursor = cursor
        self._items: dict[int, FeedItem] = {}
        self._ancestor: int | None = None
        self._touched: set[str] = set()
        self._covered = cursor
        """The id up to which the messages so far have no gap."""

    def add(self, message: FeedMessage) -> Step | None:
        """Add a message; return the step if this one completes it. Raises _TopicHasGap and FellBehind."""
        match message:
            case EventMessage():
                self._add_event(message)
            case ReorgMessage():
                self._add_reorg(message)
            case CommitMessage():
                return self._add_commit(message)
        return None

    def _add_event(self, message: EventMessage) -> None:
        if message.id > reader.kept_id(self._cursor, self._ancestor):
            self._items[message.id] = message.item()
            if len(self._items) > MAX_ITEMS:
                raise FellBehind(f"more than {MAX_ITEMS} events at once")

    def _add_reorg(self, message: ReorgMessage) -> None:
        if message.reorg > self._cursor.reorg_id:
            lowest = message.ancestor_block if self._ancestor is None else min(self._ancestor, message.ancestor_block)
            self._ancestor, kept = lowest, last_id(lowest)
            self._items = {item_id: item for item_id, item in self._items.items() if item_id <= kept}
            self._covered = FeedCursor(min(self._covered.event_id, kept), message.reorg)

    def _add_commit(self, message: CommitMessage) -> Step | None:
        if message.begins > self._covered.event_id:
            raise _TopicHasGap(f"the topic has nothing between {self._covered.event_id} and {message.begins}")
        if message.reorg > self._covered.reorg_id:
            raise _TopicHasGap(f"the topic lacks reorg {message.reorg}")
        self._covered = replace(self._covered, event_id=max(self._covered.event_id, message.cursor))
        self._touched |= set(message.touched)
        if not message.complete:
            return None
        items = [self._items[item_id] for item_id in sorted(self._items)]
        return Step(message.block, message.reached, self._ancestor, items, self._touched)


class _TopicHasGap(Exception):
    """The topic lacks messages, or has one that the relay did not publish."""


def _decoded(message: Received) -> FeedMessage:
    try:
        return decode(message.payload)
    except msgspec.DecodeError as error:
        raise _TopicHasGap(f"the message at offset {message.offset} can't be decoded ({error})") from error


async def _announced_step(connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor) -> Step | None:
    """The next step, from the next notification; None if that carries none, or if none comes."""
    while payloads := await notifications(connection):
        if commit_of(payloads[-1]) != (block.block_number, block.revision):
            return step_of_payload(payloads[-1], block, cursor)
    return None


async def _check_age(connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor) -> None:
    """Raise TablesAreOlder if the tables hold less than a reader has read from them."""
    found = await reader.read_newest(connection)
    if found is None or not _continues(found[0], block) or found[1].reorg_id < cursor.reorg_id:
        raise _older(block, None if found is None else found[0])


async def _whole_step(connection: AsyncConnection[Any], block: IndexedBlock, cursor: FeedCursor) -> Step:
    """The step to what the tables hold now. Raises FellBehind and TablesAreOlder."""
    step = await reader.read_step(connection, cursor, MAX_BLOCKS)
    if step is None or not _continues(step.block, block):
        raise _older(block, None if step is None else step.block)
    if not step.complete:
        raise FellBehind(f"more than {MAX_BLOCKS} blocks at once")
    return step


def _continues(found: IndexedBlock, block: IndexedBlock) -> bool:
    """Whether one checkpoint is another one, or came after it."""
    return found.revision > block.revision or (found.revision, found.block_hash) == (block.revision, block.block_hash)


def _older(block: IndexedBlock, found: IndexedBlock | None) -> TablesAreOlder:
    now = "nothing" if found is None else f"block {found.block_number} at revision {found.revision}"
    return TablesAreOlder(f"the tables hold {now}, and held block {block.block_number} at revision {block.revision}")
