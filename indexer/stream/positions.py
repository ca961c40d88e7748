"""All current positions, in memory: read once, then brought up to date with each commit."""

import asyncio
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from indexer.domain.levels import Level
from indexer.domain.positions import Status
from indexer.domain.units import Address, first_id
from indexer.records.rows import LevelStateRow
from indexer.records.stored import stored_level
from indexer.selectors.players import READ_ALL, READ_CHANGED, PlayerPosition, StoredPosition, stored
from indexer.selectors.rows import plain
from indexer.selectors.snapshot import CHECKPOINT_COLUMNS, IndexedBlock
from indexer.stream.connection import fetch_one

_ORIGIN: Final = "fence, (SELECT coalesce(max(id), 0) FROM reorgs)"
"""Values that a reorg or a rebuild changes. While they are unchanged, commits only add rows of new blocks."""
_READ_CHECKPOINT: Final = (
    f"SELECT {', '.join(CHECKPOINT_COLUMNS)}, {_ORIGIN} FROM checkpoints WHERE block_number >= start_block"
)
_READ_LEVELS: Final = f"SELECT {', '.join(LevelStateRow._fields)} FROM current_levels"
_READ_EPOCH: Final = "SELECT reset_epoch FROM current_protocol"
_AT_ONCE: Final = 200
"""Rows that are turned into objects before other tasks of the event loop can run."""


class _State(NamedTuple):
    """The last indexed block, the `_ORIGIN` values of its commit, and what positions are computed with."""

    block: IndexedBlock
    origin: tuple[int, int]
    levels: dict[int, Level]
    epoch: int


class CurrentPositions:
    """The positions after `block`, for one event loop. While `block` is None nothing is known."""

    def __init__(self) -> None:
        self._state: _State | None = None
        self._stored: dict[Address, StoredPosition] = {}

    @property
    def block(self) -> IndexedBlock | None:
        return self._state and self._state.block

    def position_of(self, player: Address) -> PlayerPosition | None:
        """A player's position after `block`, which is known; None if there is none."""
        stored = self._stored.get(player)
        if stored is None or self._state is None:
            return None
        return stored.after(self._state.block.timestamp, self._state.levels[stored.row.level], self._state.epoch)

    def forget(self) -> None:
        """Drop everything: it may be outdated from now on."""
        self._state = None
        self._stored = {}

    async def follow(self, connection: AsyncConnection[Any]) -> IndexedBlock | None:
        """Bring the positions up to the last commit, or forget them after a reorg or a rebuild; return the last indexed
        block, None before there is one. Raises psycopg.Error."""
        async with connection.transaction():
            state, rows = await _read_state(connection), list[tuple[Any, ...]]()
            if state is None or self._state is None or state.origin != self._state.origin:
                self.forget()
            elif state.block.revision != self._state.block.revision:
                since = {"start": first_id(self._state.block.block_number + 1)}
                rows = await _rows(connection, READ_CHANGED, since)
        if self._state is not None:  # from here on nothing waits, so that nobody sees a part of it
            self._state = state
            for position in map(stored, rows):
                self._stored[position.row.address] = position
                if position.row.status == Status.EXTRACTED:
                    del self._stored[position.row.address]
        return state and state.block

    async def read_all(self, connection: AsyncConnection[Any]) -> IndexedBlock | None:
        """Read all positions, and return the last indexed block, None before there is one; 10,000 take about half a
        second, in which other tasks have their turns. Raises psycopg.Error."""
        found: dict[Address, StoredPosition] = {}
        async with connection.transaction():
            state = await _read_state(connection)
            async with connection.cursor("positions") as cursor:
                await cursor.execute(READ_ALL)
                while rows := await cursor.fetchmany(_AT_ONCE):
                    for row in rows:
                        position = stored(tuple(map(plain, row)))
                        found[position.row.address] = position
                    await asyncio.sleep(0)
        self._state, self._stored = state, found
        return self.block


async def _read_state(connection: AsyncConnection[Any]) -> _State | None:
    row = await fetch_one(connection, _READ_CHECKPOINT)
    if row is None:
        return None
    *checkpoint, fence, reorg = map(plain, row)
    levels = [stored_level(LevelStateRow(*level)) for level in await _rows(connection, _READ_LEVELS)]
    epochs = await _rows(connection, _READ_EPOCH)
    block = IndexedBlock(*checkpoint)
    return _State(block, (fence, reorg), {level.id: level for level in levels}, epochs[0][0] if epochs else 0)


async def _rows(connection: AsyncConnection[Any], sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    rows = await connection.execute(sql, parameters, prepare=True)
    return [tuple(map(plain, row)) async for row in rows]
