"""Random games in which much changes without a log: with the contracts' state every block is exact."""

import random
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.calls import StateOptions
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.state import RecordedState
from tests.chains import ADDRESSES
from tests.contract_state import state_document
from tests.indexer.sync.recorded_views import differences, indexed_views, views_of
from tests.indexer.sync.silent_histories import DEPLOYED, SilentHistory
from tests.indexing import index
from tests.processes import checkpoint


@pytest.mark.parametrize("seed", range(12))
def test_after_every_block_the_tables_hold_what_the_contracts_hold(connection: Connection[Any], seed: int) -> None:
    """Resets, claims of nothing through wallets, configurations, deaths: several in a block, whatever the batches."""
    history = SilentHistory(seed)
    document = state_document(history.chain.blocks, history.changes)
    with ReplayServer(history.chain.blocks, state=RecordedState(document)) as server:
        index(server, ADDRESSES, batch_size=random.Random(seed).choice((None, 1, 7)))
    last = checkpoint(connection)
    assert last == history.length - 1
    wrong = differences(indexed_views(connection), views_of(document), last)
    assert [one for one in wrong if int(one.partition(" after block ")[2].partition(":")[0]) >= DEPLOYED] == []


@pytest.mark.parametrize(
    ("seed", "prune", "batch_size"), [(125, 3, 1), (157, 20, 7), (178, 3, 5), (242, 0, 1), (23, 20, 1)]
)
def test_where_old_state_is_lost_the_tables_are_right_after_the_last_block(
    connection: Connection[Any], seed: int, prune: int, batch_size: int
) -> None:
    """Two settlements before claims that paid, a configuration that another one hides, two levels changed unseen, a
    stake that shows two settlements or three, deaths that only the state shows: asked for once, not in each trial."""
    history = SilentHistory(seed)
    document = state_document(history.chain.blocks, history.changes)
    options = ReplayOptions(state=StateOptions(prune=prune))
    with ReplayServer(history.chain.blocks, options, state=RecordedState(document)) as server:
        index(server, ADDRESSES, batch_size=batch_size)
        assert server.statistics.requests < 1_000
    last = checkpoint(connection)
    assert last == history.length - 1
    wrong = differences(indexed_views(connection), views_of(document), last)
    assert [one for one in wrong if f" after block {last}:" in one] == []
