"""Where a reader of the feed gets it from: the database itself, or a broker's `feed` topic."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from psycopg import AsyncConnection

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream import reader
from indexer.stream.broker import Broker
from indexer.stream.connection import listen, word
from indexer.stream.feed import FeedItem, end_of
from indexer.stream.reader import Position, Step
from indexer.stream.topics import FEED, CommitMessage, EventMessage, ReorgMessage, decode

IDLE: Final = 0.002
"""Seconds between two questions for messages, while there are none: Iggy tells nobody by itself."""
MOST_POLLED: Final = 1_000


class Source(Protocol):
    """Tells of each commit, in order, from the moment on at which `begin` was called."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        """From now on nothing may be missed. Raises psycopg.OperationalError or BrokerAway."""

    def steps(self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position) -> AsyncIterator[Step]:
        """What happened since a position, which is the end of `block`; never ends. Raises as `begin`."""


class DatabaseSource:
    """Reads rows by cursor; NOTIFY says when."""

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        await listen(connection)

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position
    ) -> AsyncIterator[Step]:
        revision = block.revision
        while True:
            step = await reader.step(connection, position)
            if step is not None and step.block.revision != revision:
                revision, position = step.block.revision, step.reached
                yield step
            await word(connection)


class BrokerSource:
    """Reads the `feed` topic, on from where it ended when the reader began."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offset: int | None = None

    async def begin(self, connection: AsyncConnection[Any]) -> None:
        if self._offset is None:
            self._offset = await self._broker.end((FEED, 0))

    async def steps(
        self, connection: AsyncConnection[Any], block: IndexedBlock, position: Position
    ) -> AsyncIterator[Step]:
        """What was published before is known by `position`, also if it is published again; a step that was broken off
        is followed by one that has all of it."""
        items: dict[int, FeedItem] = {}
        ancestor: int | None = None
        touched: set[str] = set()
        assert self._offset is not None, "begin comes first"
        offset = self._offset
        while True:
            messages = await self._broker.poll((FEED, 0), offset, MOST_POLLED)
            for message in messages:
                offset = message.offset + 1
                match decode(message.payload):
                    case EventMessage() as event:
                        if event.id > reader.kept_cursor(position, ancestor):
                            items[event.id] = event.item()
                    case ReorgMessage() as reorg:
                        if reorg.reorg > position.reorg:
                            ancestor = reorg.ancestor_block if ancestor is None else min(ancestor, reorg.ancestor_block)
                            items = {place: item for place, item in items.items() if place <= end_of(ancestor)}
                    case CommitMessage() as commit:
                        touched |= set(commit.touched)
                        if not commit.complete:
                            continue
                        # Only here: who begins anew after a failure must read a step from its first message on.
                        self._offset = offset
                        if commit.block.revision > block.revision:
                            block, position = commit.block, commit.reached
                            told = [items[place] for place in sorted(items)]
                            yield Step(block, position, ancestor, told, touched)
                        items, ancestor, touched = {}, None, set()
            if not messages:
                await asyncio.sleep(IDLE)
