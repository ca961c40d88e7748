"""POSITION_UPDATEs: which client watches which player, and which positions are to be sent.

They are independent of the feed, which waits for none of them. After a reorg all watched positions are read again.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Final, Literal

from django.db import DatabaseError, InterfaceError
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from indexer.base.retry import Backoff
from indexer.domain.units import Address
from indexer.selectors.addresses import checksummed
from indexer.selectors.players import PlayerPosition
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.ids import last_id
from indexer.stream.preconfirmed_positions import PreconfirmedPosition
from realtime.client import Client
from realtime.positions import position_json, read_positions
from realtime.protocol import PositionUpdate
from realtime.socket_writer import frame

logger = logging.getLogger(__name__)

AT_ONCE: Final = 200
"""Positions that are read together."""
FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 5.0


class PositionUpdates:
    """All watched players of a process, by lower-case address; belongs to one event loop."""

    def __init__(self) -> None:
        self._watchers: defaultdict[str, set[Client]] = defaultdict(set)
        self._due: dict[str, set[Client]] = {}
        self._snapshots: set[tuple[Client, str]] = set()
        """The clients that wait for a player's position with its cursor."""
        self._expiries: dict[str, int] = {}
        """When the next boost of a watched player expires, in unix seconds: that changes the position too."""
        self._preconfirmed: dict[str, int] = {}
        """The players whose position was sent before its block, by the block's number."""
        self._wake = asyncio.Event()

    def watch(self, client: Client, address: str, after: int) -> None:
        """Send this player's position to a client after each change; the client gets the player's items above the id
        `after`, unless it watches the player already."""
        client.users.setdefault(address, after)
        self._watchers[address].add(client)
        self._schedule(address, set())  # to read when boosts expire

    @property
    def players(self) -> AbstractSet[str]:
        """All watched players."""
        return self._watchers.keys()

    def unwatch(self, client: Client, address: str) -> None:
        """Undo `watch`; allowed without it."""
        client.users.pop(address, None)
        self._snapshots.discard((client, address))
        self._watchers[address].discard(client)
        if not self._watchers[address]:
            del self._watchers[address]
            self._expiries.pop(address, None)

    def remove(self, client: Client) -> None:
        """Undo each `watch` of a client that has disconnected."""
        for address in [*client.users]:
            self.unwatch(client, address)

    def changed(self, touched: set[str]) -> None:
        """Schedule these players' positions, which have changed, as far as they are watched."""
        for address in touched & self._watchers.keys():
            self._schedule(address, self._watchers[address])

    def schedule_expired_boosts(self, now: int) -> None:
        """Schedule positions whose boosts expire by the time of an indexed block (unix seconds)."""
        due = {address for address, expiry in self._expiries.items() if expiry <= now}
        for address in due:
            del self._expiries[address]
        self.changed(due)

    def send_preconfirmed(self, found: PreconfirmedPosition) -> None:
        """Send a position before its block to those who watch the player and subscribed to that; `confirm` schedules
        the one that follows it."""
        clients = [one for one in self.watchers(found.player) if found.player in one.preconfirmed_users]
        if clients:
            self._preconfirmed[found.player] = found.block_number
            text = frame(_update(found.player, found.position, "preconfirmed").encode())
            for client in clients:
                client.writer.write(text)

    def confirm(self, block_number: int) -> None:
        """Schedule the positions that were sent before a block up to this one, which is indexed: whether or not the
        block has changed them."""
        due = {player for player, block in self._preconfirmed.items() if block <= block_number}
        for player in due:
            del self._preconfirmed[player]
        self.changed(due)

    def all_changed(self) -> None:
        """Schedule all watched positions, any of which may have changed."""
        self.changed({*self._watchers})

    def watchers(self, address: str) -> Collection[Client]:
        """The clients that watch a player."""
        return self._watchers.get(address, ())

    def send_current(self, client: Client, address: str, *, with_cursor: bool = False) -> None:
        """Send a player's current position to one client."""
        if with_cursor:
            self._snapshots.add((client, address))
        self._schedule(address, {client})

    def _schedule(self, address: str, clients: set[Client]) -> None:
        self._due.setdefault(address, set()).update(clients)
        self._wake.set()

    async def run(self) -> None:
        """Read and send scheduled positions forever; positions that can't be read are scheduled again."""
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            await self._wake.wait()
            batch = [*self._due][:AT_ONCE]
            due = {address: self._due.pop(address) for address in batch}
            if not self._due:
                self._wake.clear()
            try:
                block, positions = await read_positions(batch)
            except (DatabaseError, InterfaceError) as error:
                for address, clients in due.items():
                    self._schedule(address, clients)
                pause = backoff.pause()
                if backoff.failures == 1:
                    logger.warning("positions can't be read, trying again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)
                continue
            backoff.reset()
            for address, clients in due.items():
                self._send(address, clients, block, positions.get(Address(address)))

    def _send(
        self, address: str, clients: set[Client], block: IndexedBlock | None, position: PlayerPosition | None
    ) -> None:
        """Send a position after a block, None for none, to those of these clients who still watch the player."""
        expiry = min((boost.expiry for boost in position.boosts), default=None) if position else None
        if expiry is not None and address in self._watchers:
            self._expiries[address] = expiry
        if clients:
            update = _update(address, position)
            text = frame(update.encode())
            for client in clients:
                if (client, address) in self._snapshots:
                    self._snapshots.discard((client, address))
                    cursor = str(last_id(block.block_number)) if block else "0"
                    client.writer.write(frame(replace(update, cursor=cursor).encode()))
                elif address in client.users:
                    client.writer.write(text)


def _update(
    address: str, position: PlayerPosition | None, status: Literal["preconfirmed"] | UnsetType = UNSET
) -> PositionUpdate:
    return PositionUpdate(checksummed(address), position and position_json(position), status=status)
