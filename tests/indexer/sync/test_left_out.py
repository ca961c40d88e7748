"""A node that leaves out logs in silence, where the contracts' state shows it: the tables are those of a good node."""

from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.chain import block_logs, consistency
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.store.alarms import AlarmKind
from indexer.store.digest import state_digest
from tests.chains import recording
from tests.incomplete_node import IncompleteNode, TruncatingNode
from tests.indexing import index

TRAPS: Final = recording("traps")
CONTRACTS: Final = TRAPS.truth.contracts
LATE: Final = 71
"""A block in which a level changes."""
INITIALIZED: Final = 3
"""The block in which GhostCore is initialized."""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)


@pytest.mark.parametrize("most", [7, 37, 100])
def test_lists_truncated_at_any_length_are_completed(connection: Connection[Any], right: str, most: int) -> None:
    """Those of seven logs are shorter than some blocks, and end before GhostCore is initialized."""
    with TruncatingNode(TRAPS.blocks, state=TRAPS.state) as server:
        server.most = most
        index(server, CONTRACTS)
    assert state_digest(connection) == right


def test_that_the_initialization_of_the_game_was_left_out_is_noticed(connection: Connection[Any], right: str) -> None:
    """No rule is broken by it: the contracts are initialized, the mirror is not."""
    with IncompleteNode(TRAPS.blocks[:6], state=TRAPS.state) as server:
        server.left_out, server.contract, server.times, server.blind = INITIALIZED, CONTRACTS["GhostCore"], 1, True
        watcher = index(server, CONTRACTS)
    assert [kind for kind, _ in watcher.alarms] == [AlarmKind.LEFT_OUT] * 2
    with ReplayServer(TRAPS.blocks, state=TRAPS.state) as server:
        index(server, CONTRACTS)
    assert state_digest(connection) == right


def test_logs_that_a_node_is_late_with_at_its_head_are_waited_for(connection: Connection[Any], right: str) -> None:
    with IncompleteNode(TRAPS.blocks, ReplayOptions(head=LATE), state=TRAPS.state) as server:
        server.left_out, server.times, server.blind = LATE, 9, True
        index(server, CONTRACTS)
        assert server.times == 0
        server.restore_recorded(len(TRAPS.blocks) - 1)
        index(server, CONTRACTS)
    assert state_digest(connection) == right
