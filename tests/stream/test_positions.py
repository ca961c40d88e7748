"""Positions in memory equal those of the tables, whatever happens between two reads."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import AsyncConnection, Connection

from api import schemas
from indexer.domain.units import Address, to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.selectors.players import PlayerPosition, latest_positions
from indexer.selectors.snapshot import IndexedBlock
from indexer.store.claim import Claim
from indexer.stream.connection import connect
from indexer.stream.positions import CurrentPositions
from tests.filling import fill
from tests.indexing import following
from tests.processes import FENCE, await_begun, await_tip
from tests.rows import fetch_one

HEAD = 300
REORGS = "SELECT count(*) FROM reorgs"


class Reader:
    """Positions in memory, with an event loop and a connection of their own."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._connection: AsyncConnection[Any] = self._runner.run(connect("ghostnet test"))
        self.positions = CurrentPositions()

    def follow(self) -> IndexedBlock | None:
        return self._runner.run(self.positions.follow(self._connection))

    def read_all(self) -> IndexedBlock | None:
        return self._runner.run(self.positions.read_all(self._connection))

    def close(self) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


@pytest.fixture
def reader(database: str) -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


def json(position: PlayerPosition) -> Any:
    return schemas.Position.of(position).model_dump()


def assert_equal(positions: CurrentPositions, connection: Connection[Any]) -> None:
    """Of each player who ever had a position, at the same block."""
    players = [Address(to_hex(row)) for (row,) in connection.execute("SELECT DISTINCT address FROM positions")]
    block, found = latest_positions(players)
    assert positions.block == block
    known = {player: position for player in players if (position := positions.position_of(player)) is not None}
    assert {player: json(position) for player, position in known.items()} == {
        player: json(position) for player, position in found.items()
    }


def test_commits_and_reorgs(
    reader: Reader, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    fill(connection, HEAD)
    fence = fetch_one(connection, FENCE)
    with ReplayServer(season, ReplayOptions(head=HEAD)) as node, following(node, truth.contracts, ws=True):
        await_begun(connection, fence)
        reader.read_all()
        for step in range(12):
            before = fetch_one(connection, REORGS)
            node.fork(7, 9) if step == 5 else node.advance(50)
            await_tip(connection, node.chain.blocks[-1].hash)
            assert reader.follow() is not None
            assert (reader.positions.block is None) == (fetch_one(connection, REORGS) > before)
            if reader.positions.block is None:
                reader.read_all()
            assert_equal(reader.positions, connection)
        assert 1 <= fetch_one(connection, REORGS) <= 2
        node.fork(3, 3)  # to the same height
        await_tip(connection, node.chain.blocks[-1].hash)
        reader.follow()
        assert reader.positions.block is None


def test_rows_that_a_rebuild_replaces(reader: Reader, connection: Connection[Any]) -> None:
    """At an unchanged block, and with the same ids, so that nothing but the fence shows it."""
    fill(connection, HEAD)
    claim = Claim(connection).take()
    reader.read_all()
    with claim.transaction_in_place() as cursor:
        for table in ("positions", "current_positions"):
            cursor.execute(f"UPDATE {table} SET amount = amount + 1")
    with claim.transaction_in_place():
        pass
    reader.follow()
    assert reader.positions.block is None
    reader.read_all()
    assert_equal(reader.positions, connection)


def test_nothing_is_known_of_an_empty_database(reader: Reader) -> None:
    assert (reader.follow(), reader.read_all(), reader.positions.block) == (None, None, None)


def test_what_was_forgotten_is_not_answered(reader: Reader, connection: Connection[Any]) -> None:
    fill(connection, HEAD)
    reader.read_all()
    player = Address(to_hex(fetch_one(connection, "SELECT min(address) FROM current_positions WHERE status = 'alive'")))
    assert reader.positions.position_of(player) is not None
    reader.positions.forget()
    assert reader.positions.position_of(player) is None
    assert reader.positions.block is None
