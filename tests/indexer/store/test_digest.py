"""The digest detects manual changes of rows."""

from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.units import DATA
from indexer.store.digest import CurrentRowsDiffer, state_digest
from tests.chains import user
from tests.indexer.store.building import deployed, index_blocks


def test_a_current_row_that_was_tampered_with_is_found(connection: Connection[Any]) -> None:
    chain = deployed()
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    state_digest(connection)
    connection.execute("UPDATE current_positions SET amount = amount + 1")
    with pytest.raises(CurrentRowsDiffer, match="2 rows differ between current_positions"):
        state_digest(connection)
