"""What the indexer has committed last, known in this process without asking: told by NOTIFY."""

import asyncio
from typing import Any

from psycopg import AsyncConnection

from indexer.selectors.snapshot import READ_CHECKPOINT, IndexedBlock, indexed_block
from indexer.stream.connection import fetch_one, listen, word
from indexer.stream.persistence import Attempts, persist


class Heads:
    """The last indexed block as this process knows it; belongs to one event loop.

    While the connection that listens is lost, `latest` is None: nobody may rely on what might be old.
    """

    def __init__(self) -> None:
        self.latest: IndexedBlock | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, once; later calls do nothing unless the task has ended."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                persist(self._follow, "ghostnet heads", "no word of commits"), name="heads"
            )

    def saw(self, block: IndexedBlock) -> None:
        """Somebody has read a checkpoint: if it is newer than ours, it is ours from now on."""
        if self.latest is not None and block.revision > self.latest.revision:
            self._set(block)

    async def changed(self) -> None:
        """Wait for the next commit, or for the connection to be lost or found."""
        await self._changed.wait()

    async def reach(self, block_number: int, seconds: float) -> None:
        """Wait until a block is indexed, but no longer than so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self.latest is None or self.latest.block_number < block_number:
                    await self.changed()
        except TimeoutError:
            return

    def _set(self, block: IndexedBlock | None) -> None:
        self.latest = block
        self._changed.set()
        self._changed = asyncio.Event()

    async def _follow(self, connection: AsyncConnection[Any], attempts: Attempts) -> None:
        try:
            await listen(connection)
            self._set(await self._read(connection))
            attempts.succeeded()
            while True:
                await word(connection)
                block = await self._read(connection)
                if block is not None and (self.latest is None or block.revision > self.latest.revision):
                    self._set(block)
        finally:
            self._set(None)

    @staticmethod
    async def _read(connection: AsyncConnection[Any]) -> IndexedBlock | None:
        return indexed_block(await fetch_one(connection, READ_CHECKPOINT))
