"""Logs that a node left out are detected when a later block breaks a rule, and fetched again from every node."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.chain import block_logs
from indexer.chain.state_availability import FullBlocks
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.rules.errors import InvariantBroken
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.digest import state_digest
from indexer.sync.metrics import HEALED
from tests.chains import ADDRESSES
from tests.filling import fill
from tests.incomplete_node import IncompleteNode
from tests.indexer.sync.contradiction import chain_with_a_contradiction
from tests.indexing import index
from tests.processes import checkpoint
from tests.rows import fetch_one

Digest = Callable[[int], str]

LEFT_OUT: Final = 205
"""A block of the season without whose logs block 208 breaks a rule."""
HALT: Final = 207
BEFORE: Final = 150
LAST: Final = 230
ALWAYS: Final = 1_000_000


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.002)


@pytest.fixture
def incomplete(season: list[RecordedBlock]) -> IncompleteNode:
    """A node that leaves out all logs of one block, and whose blooms do not show them."""
    server = IncompleteNode(season, ReplayOptions(head=LAST))
    server.left_out, server.blind = LEFT_OUT, True
    return server


@pytest.mark.parametrize("batch_size", [1, 3, None], ids=["block by block", "three at once", "in wide ranges"])
def test_what_was_left_out_once_is_found_when_a_rule_breaks(
    connection: Connection[Any], incomplete: IncompleteNode, truth: Truth, digest_at: Digest, batch_size: int | None
) -> None:
    fill(connection, BEFORE)
    with incomplete as server:
        index(server, truth.contracts, to_block=LEFT_OUT - 2)
        server.times, healed = 1, HEALED._value.get()
        watcher = index(server, truth.contracts, batch_size=batch_size, full_blocks=FullBlocks.ALWAYS)
    assert [rollback.ancestor for rollback in watcher.rollbacks] == [LEFT_OUT - 1]
    (kind, message), over = watcher.alarms
    assert kind is AlarmKind.LEFT_OUT
    assert message is not None
    assert f"block {LEFT_OUT}: " in message
    assert over == (AlarmKind.LEFT_OUT, None)
    assert HEALED._value.get() == healed + 1
    assert alarms(connection) == {}
    assert state_digest(connection) == digest_at(LAST)


def test_where_every_node_lacks_the_logs_it_halts_until_one_has_them(
    connection: Connection[Any],
    incomplete: IncompleteNode,
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Digest,
) -> None:
    fill(connection, BEFORE)
    with incomplete as server:
        server.times = ALWAYS
        for _ in range(2):
            with pytest.raises(InvariantBroken, match=f"block {HALT + 1}"):
                index(server, truth.contracts)
            assert checkpoint(connection) == HALT
            assert list(alarms(connection)) == [AlarmKind.HALTED]
        with ReplayServer(season, ReplayOptions(head=LAST)) as honest:
            index(server, truth.contracts, others=[honest])
    assert state_digest(connection) == digest_at(LAST)
    assert alarms(connection) == {}


def test_a_node_that_has_less_than_what_is_indexed_changes_nothing(connection: Connection[Any]) -> None:
    """A rule is broken by the chain itself; that another node lacks logs of an earlier block explains nothing."""
    blocks = chain_with_a_contradiction().blocks
    with IncompleteNode(blocks) as second, ReplayServer(blocks) as server:
        second.times, second.blind = ALWAYS, True
        with pytest.raises(InvariantBroken, match="block 6"):
            index(server, ADDRESSES, others=[second])
    assert checkpoint(connection) == 5
    assert fetch_one(connection, "SELECT count(*) FROM reorgs") == 0
    assert list(alarms(connection)) == [AlarmKind.HALTED]
