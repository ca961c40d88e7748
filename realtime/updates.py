"""POSITION_UPDATEs: who watches which player, and whose position is to be told.

Apart from the feed, which waits for none of this: after a reorg any position may be another one.
"""

import asyncio
import logging
from collections import defaultdict
from typing import Final

from django.db import DatabaseError, InterfaceError

from realtime import protocol
from realtime.client import Client
from realtime.positions import positions_of
from realtime.wire import frame

logger = logging.getLogger(__name__)

AT_ONCE: Final = 50
"""Positions that are read in one go."""
PAUSE: Final = 0.5


class PositionUpdates:
    """All watched players of a process; belongs to one event loop."""

    def __init__(self) -> None:
        self._watchers: defaultdict[str, set[Client]] = defaultdict(set)
        self._due: dict[str, set[Client]] = {}
        self._wake = asyncio.Event()

    def watch(self, client: Client, address: str) -> None:
        """A client wants to know of a player's position."""
        client.users.add(address)
        self._watchers[address].add(client)

    def unwatch(self, client: Client, address: str) -> None:
        """A client does not want to know of a player any more."""
        client.users.discard(address)
        self._watchers[address].discard(client)
        if not self._watchers[address]:
            del self._watchers[address]

    def leave(self, client: Client) -> None:
        """A client has gone."""
        for address in [*client.users]:
            self.unwatch(client, address)

    def changed(self, touched: set[str]) -> None:
        """These players' positions have changed."""
        for address in touched & self._watchers.keys():
            self._tell_soon(address, self._watchers[address])

    def all_changed(self) -> None:
        """Any position may have changed."""
        self.changed({*self._watchers})

    def ask(self, client: Client, address: str) -> None:
        """A client wants to be told a position as it stands."""
        self._tell_soon(address, {client})

    def _tell_soon(self, address: str, clients: set[Client]) -> None:
        self._due.setdefault(address, set()).update(clients)
        self._wake.set()

    async def run(self) -> None:
        """Tell what is due, for ever; what can't be read now is read later."""
        while True:
            await self._wake.wait()
            batch = [*self._due][:AT_ONCE]
            told = {address: self._due.pop(address) for address in batch}
            if not self._due:
                self._wake.clear()
            try:
                positions = await positions_of(batch)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("positions can't be read, trying again in %.1f s: %s", PAUSE, error)
                for address, clients in told.items():
                    self._tell_soon(address, clients)
                await asyncio.sleep(PAUSE)
                continue
            for address, clients in told.items():
                text = frame(protocol.position_update(address, positions[address]))
                for client in clients:
                    if address in client.users:
                        client.wire.write(text)
