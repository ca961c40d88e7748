"""Transfers that a node left out break no rule, but the contracts' balances at the end of each range reveal them."""

from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.domain.units import DEAD_ADDRESS
from indexer.replay.server import ReplayOptions
from indexer.store.alarms import AlarmKind
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync.silent_changes import StateMismatch
from tests.chains import recording
from tests.databases import Databases, default_database
from tests.filling import fill
from tests.incomplete_node import IncompleteNode
from tests.indexing import index
from tests.processes import checkpoint

TAXED: Final = 516
"""A block of the recording `busy` with a taxed transfer alone."""


@pytest.fixture
def incomplete() -> IncompleteNode:
    recorded = recording("busy")
    server = IncompleteNode(recorded.blocks, ReplayOptions(head=540), state=recorded.state)
    server.left_out, server.blind = TAXED, True
    return server


@pytest.mark.parametrize("batch_size", [1, None], ids=["block by block", "in a wide range"])
def test_a_transfer_that_was_left_out_shows_in_the_balances_and_is_found(
    databases: Databases, incomplete: IncompleteNode, batch_size: int | None
) -> None:
    contracts, digests = recording("busy").truth.contracts, []
    with incomplete as server:
        for times in (0, 1):
            with default_database(databases.make()):
                with connect() as connection:
                    fill(connection, TAXED - 10, "busy")
                server.times = times
                watcher = index(server, contracts, batch_size=batch_size)
                digests.append(state_digest_now())
    assert [kind for kind, _ in watcher.alarms] == [AlarmKind.LEFT_OUT, AlarmKind.LEFT_OUT]
    assert digests[0] == digests[1]


def state_digest_now() -> str:
    with connect() as connection:
        return state_digest(connection)


def test_where_no_node_has_it_the_balance_is_named(connection: Connection[Any], incomplete: IncompleteNode) -> None:
    with incomplete as server:
        fill(connection, TAXED - 10, "busy")
        server.times = 1_000_000
        with pytest.raises(StateMismatch, match=rf"block {TAXED}: balanceOf\({DEAD_ADDRESS}\): .* in the contracts"):
            index(server, recording("busy").truth.contracts)
    assert checkpoint(connection) == TAXED - 1
