"""Where a reader of the feed gets it from: the database itself, or a broker's `feed` topic."""

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
from indexer.stream.connection import listen, word
from indexer.stream.feed import FeedItem, end_of
from indexer.stream.reader import Position, Step
from indexer.stream.topics import FEED, CommitMessage, EventMessage, ReorgMessage, decode

PAUSE: Final = 0.001
"""Seconds between two questions for messages while some must be on their way: Iggy tells nobody by itself."""
EXPECTED: Final = 0.25
"""Seconds after a commit in which its messages are expected; later ones wait for the next look."""
LOOK: Final = 0.05
"""Seconds between two questions while nothing was committed."""
MOST_POLLED: Final = 1_000
LONG_SILENCE: Final = 2.0
"""Seconds without a message after which it is asked whether the topic still reaches as far."""
MOST_ITEMS: Final = 50_000
MOST_BLOCKS: Final = 5_000
"""Events, or blocks with something of ours in them, of a step. Who is so far behind has lost touch: clients then ask
for what they miss by themselves."""

logger = logging.getLogger(__name__)


class FellBehind(GhostnetError):
    """So much has happened that it can't be told in one step."""

    help = "Nothing is lost: clients are sent away and come back with their cursors."


class Source(Protocol):
    """Tells of each commit, in order, from the moment on at which `begin` was called."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        """From now on nothing may be missed. Raises psycopg.OperationalError or BrokerAway."""

    def steps(self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position) -> AsyncIterator[Step]:
        """What happened since a position, the end of `block`; never ends. Raises as `begin`, and FellBehind."""


class DatabaseSource:
    """Reads rows by cursor; NOTIFY says when."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        await listen(connection)

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position
    ) -> AsyncIterator[Step]:
        revision = block.revision
        while True:
            step = await _whole_step(connection, position)
            if step is not None and step.block.revision != revision:
                revision, position = step.block.revision, step.reached
                yield step
            await word(connection)


class BrokerSource:
    """Reads the `feed` topic, on from where it ended when the reader began.

    The topic is not trusted to be whole: a broker may lose its end in a crash, its beginning to retention, or all of it
    to somebody who made it anew. Where it has a gap, the tables tell what was in it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offset: int | None = None

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        await listen(connection)
        if self._offset is None:
            self._offset = await self._broker.end((FEED, 0))

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position
    ) -> AsyncIterator[Step]:
        """What was published before is known by `position`, also if it is published again; a step that was broken off
        is followed by one that has all of it."""
        assert self._offset is not None, "begin comes first"
        while True:
            try:
                async for step in self._read(connection, block, position):
                    block, position = step.block, step.reached
                    yield step
            except _TopicHasGap as gap:
                logger.warning("%s; what is missing is read from the tables", gap)
                self._offset = await self._broker.end((FEED, 0))
                found = await _whole_step(connection, position)
                if found is not None and found.block.revision > block.revision:
                    block, position = found.block, found.reached
                    yield found
            except FellBehind:
                self._offset = None
                raise

    async def _read(
        self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position
    ) -> AsyncIterator[Step]:
        """Steps out of the topic. Raises _TopicHasGap, and FellBehind."""
        partly = _Partly(block, position)
        async for message in self._messages(connection):
            step = partly.take(_decoded(message))
            if step is not None:
                # Only here: who begins anew after a failure must read a step from its first message on.
                self._offset = message.offset + 1
                if step.block.revision > partly.block.revision:
                    yield step
                    partly = _Partly(step.block, step.reached)
                else:
                    partly = _Partly(partly.block, partly.position)

    async def _messages(self, connection: AsyncConnection[Any]) -> AsyncIterator[Received]:
        """All messages, as they come; commits to the tables tell when some may. Raises _TopicHasGap."""
        assert self._offset is not None
        offset, looked_at, expected = self._offset, time.monotonic(), 0.0
        while True:
            messages = await self._broker.poll((FEED, 0), offset, MOST_POLLED)
            for message in messages:
                if message.offset != offset:
                    raise _TopicHasGap(f"the topic goes on at {message.offset} instead of {offset}")
                offset += 1
                yield message
            if messages:
                looked_at = time.monotonic()
                continue
            if time.monotonic() - looked_at > LONG_SILENCE:
                looked_at = time.monotonic()
                if (end := await self._broker.end((FEED, 0))) < offset:
                    raise _TopicHasGap(f"the topic ends at {end}, before {offset}")
            if time.monotonic() < expected:
                await asyncio.sleep(PAUSE)
            elif await word(connection, LOOK):
                expected = time.monotonic() + EXPECTED


class _Partly:
    """What was read of a step so far, after `position`, the end of `block`."""

    def __init__(self, block: IndexedBlock, position: Position) -> None:
        self.block = block
        self.position = position
        self._items: dict[int, FeedItem] = {}
        self._ancestor: int | None = None
        self._touched: set[str] = set()
        self._covered = position
        """How far the messages so far, without a gap, have come."""

    def take(self, message: EventMessage | ReorgMessage | CommitMessage) -> Step | None:
        """The step, with the message that ends it. Raises _TopicHasGap and FellBehind."""
        match message:
            case EventMessage():
                if message.id > reader.kept_cursor(self.position, self._ancestor):
                    self._items[message.id] = message.item()
                    if len(self._items) > MOST_ITEMS:
                        raise FellBehind(f"more than {MOST_ITEMS} events at once")
            case ReorgMessage():
                if message.reorg > self.position.reorg:
                    known = message.ancestor_block if self._ancestor is None else self._ancestor
                    ancestor = self._ancestor = min(known, message.ancestor_block)
                    self._items = {place: item for place, item in self._items.items() if place <= end_of(ancestor)}
                    self._covered = Position(min(self._covered.cursor, end_of(ancestor)), message.reorg)
            case CommitMessage():
                if message.begins > self._covered.cursor:
                    raise _TopicHasGap(f"the topic has nothing between {self._covered.cursor} and {message.begins}")
                if message.reorg > self._covered.reorg:
                    raise _TopicHasGap(f"the topic has no reorg {message.reorg}")
                self._covered = replace(self._covered, cursor=max(self._covered.cursor, message.cursor))
                self._touched |= set(message.touched)
                if message.complete:
                    told = [self._items[place] for place in sorted(self._items)]
                    return Step(message.block, message.reached, self._ancestor, told, self._touched)
        return None


class _TopicHasGap(Exception):
    """Messages are missing, or one of them is none of ours."""


def _decoded(message: Received) -> EventMessage | ReorgMessage | CommitMessage:
    try:
        return decode(message.payload)
    except msgspec.DecodeError as error:
        raise _TopicHasGap(f"the message at {message.offset} can't be read ({error})") from error


async def _whole_step(connection: AsyncConnection[Any], position: Position) -> Step | None:
    step = await reader.step(connection, position, MOST_BLOCKS)
    if step is not None and not step.complete:
        raise FellBehind(f"more than {MOST_BLOCKS} blocks at once")
    return step
