"""Work slots: permissions to work, limited in number in all and by client; waiting clients are served in rotation."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from indexer.base.errors import GhostnetError

BUSY: Final = "the server is busy: too many requests are waiting"


class NoRoom(GhostnetError):
    """Too many requests wait for a slot already: of this client (`of_client`), or of all."""

    help = "Try again in a moment."

    def __init__(self, *, of_client: bool) -> None:
        self.of_client = of_client
        super().__init__("too many requests at once" if of_client else BUSY)


class WorkSlots:
    """Gives `count` slots at a time, of which one client has at most `each`; belongs to one event loop.

    `waiting` more may wait, `waiting_each` of one client. A slot that ends goes to the client that has waited for
    longest since its last one: a client with many requests delays itself, and each other client by one slot at most.
    """

    def __init__(self, count: int, each: int, waiting: int, waiting_each: int) -> None:
        self._free = count
        self._each = each
        self._waiting = waiting
        self._waiting_each = waiting_each
        self._busy: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def __len__(self) -> int:
        """The clients that are at work or wait."""
        return len(self._busy.keys() | self._queues.keys())

    async def take(self, client: str) -> None:
        """Wait for a slot; `give_back` frees it. Raises NoRoom."""
        if self._free and self._busy[client] < self._each and client not in self._queues:
            self._begin(client)
            return
        queue = self._queues.get(client, deque())
        if self._waiting == 0 or len(queue) >= self._waiting_each:
            raise NoRoom(of_client=self._waiting > 0)
        slot = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, queue).append(slot)
        self._waiting -= 1
        try:
            await slot
        except asyncio.CancelledError:
            if not slot.cancelled():
                self.give_back(client)
            elif slot in queue:
                self._waiting += 1
                queue.remove(slot)
                if not queue:
                    del self._queues[client]
            raise

    def give_back(self, client: str) -> None:
        """Free a slot of a client, which gives it to another one."""
        self._free += 1
        self._busy[client] -= 1
        if not self._busy[client]:
            del self._busy[client]
        while self._free and (following := self._following()) is not None:
            queue = self._queues[following]
            slot = queue.popleft()
            self._waiting += 1
            if queue:
                self._queues.move_to_end(following)
            else:
                del self._queues[following]
            if not slot.cancelled():
                self._begin(following)
                slot.set_result(None)

    @asynccontextmanager
    async def hold(self, client: str) -> AsyncIterator[None]:
        """A slot for the time of the block. Raises NoRoom."""
        await self.take(client)
        try:
            yield
        finally:
            self.give_back(client)

    def _begin(self, client: str) -> None:
        self._free -= 1
        self._busy[client] += 1

    def _following(self) -> str | None:
        return next((client for client in self._queues if self._busy[client] < self._each), None)
