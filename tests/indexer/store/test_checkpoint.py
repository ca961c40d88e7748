"""The checkpoint: the chain that a database holds, and the blocks that are indexed."""

from typing import Any

import pytest
from psycopg import Connection

from indexer.maintenance.dump import dump_state
from indexer.store.checkpoint import BlockNotIndexed, ForeignDatabase, NothingIndexed, start_chain
from indexer.store.database import connect
from tests.chains import ADDRESSES, user
from tests.indexer.store.building import deployed, index_blocks


def test_a_database_of_another_deployment_is_refused(database: str) -> None:
    index_blocks(deployed().blocks)
    with connect() as connection, pytest.raises(ForeignDatabase, match="chain id configured is 4326"):
        start_chain(connection, 4326, 0, ADDRESSES)
    with connect() as connection, pytest.raises(ForeignDatabase, match="contracts"):
        start_chain(connection, 6343, 0, {**ADDRESSES, "DeadPool": user(7)})


def test_asking_for_what_is_not_indexed_says_what_is(connection: Connection[Any]) -> None:
    with pytest.raises(NothingIndexed):
        dump_state(connection)
    index_blocks(deployed().blocks)
    with pytest.raises(BlockNotIndexed, match="covers 0 to 1"):
        dump_state(connection, 2)
