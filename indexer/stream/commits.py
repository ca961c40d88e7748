"""The last indexed block and the positions after it, brought up to date by commit notifications."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from psycopg import AsyncConnection

from indexer.base.retry import Backoff
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.connection import listen, wait_for_commit
from indexer.stream.positions import CurrentPositions
from indexer.stream.reconnect import run_with_reconnect

MAX_BEHIND_SECONDS: Final = 0.25
"""Seconds that `catch_up` waits; by far the most commits are read within a hundredth of that."""


class CommitWatcher:
    """Follows commit notifications; belongs to one event loop.

    `latest` is the last indexed block, None before anything is indexed. It is None too while the connection is lost,
    so that nothing is answered from a state that may be outdated. `positions` are those after it, or soon will be.
    `sent` is the last block of which clients of `/ws` may have got something; its reader may be some ms ahead.
    """

    def __init__(self) -> None:
        self.latest: IndexedBlock | None = None
        self.sent: IndexedBlock | None = None
        self.positions = CurrentPositions()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that follows notifications, once; later calls do nothing unless that task has ended."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                run_with_reconnect(self._follow, "ghostnet commits", "commit notifications can't be received"),
                name="commits",
            )

    def advance(self, block: IndexedBlock) -> None:
        """Take over a checkpoint that another reader has found, if it is newer than `latest`."""
        if self.latest is not None:
            self._take(block)

    async def wait_for_block(self, block_number: int, seconds: float) -> None:
        """Wait until a block is indexed, at most so many seconds."""
        await self._wait_while(lambda: self.latest is None or self.latest.block_number < block_number, seconds)

    @property
    def is_behind(self) -> bool:
        """Whether `latest` is known, and older than what was sent."""
        return self._is_before(self.sent)

    async def catch_up(self) -> None:
        """Wait until `latest` is not older than what was sent before the call, at most MAX_BEHIND_SECONDS."""
        sent = self.sent
        await self._wait_while(lambda: self._is_before(sent), MAX_BEHIND_SECONDS)

    def _is_before(self, block: IndexedBlock | None) -> bool:
        return self.latest is not None and block is not None and self.latest.revision < block.revision

    async def _wait_while(self, condition: Callable[[], bool], seconds: float) -> None:
        if not condition():
            return
        try:
            async with asyncio.timeout(seconds):
                while condition():
                    await self._changed.wait()
        except TimeoutError:
            return

    def _take(self, block: IndexedBlock | None) -> None:
        if block is not None and (self.latest is None or block.revision > self.latest.revision):
            self._set(block)

    def _set(self, block: IndexedBlock | None) -> None:
        self.latest = block
        self._changed.set()
        self._changed = asyncio.Event()

    async def _follow(self, connection: AsyncConnection[Any], backoff: Backoff) -> None:
        try:
            await listen(connection)
            while True:
                self._take(await self.positions.follow(connection))
                if self.latest is not None and self.positions.block is None:
                    self._take(await self.positions.read_all(connection))
                backoff.reset()
                await wait_for_commit(connection)
        finally:
            self._set(None)
            self.positions.forget()
