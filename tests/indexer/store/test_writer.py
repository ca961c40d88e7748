"""The writer: few statements a batch."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.domain.events import (
    JackedIn,
)
from indexer.domain.units import DATA
from indexer.store.tables import tables
from indexer.store.writer import Batch, Writer
from tests.chains import ChainBuilder, user
from tests.indexer.store.building import deployed, index_blocks


def test_a_batch_takes_few_statements_however_many_rows(connection: Connection[Any]) -> None:
    counts = []
    for players in (10, 1000):
        chain = deployed()
        chain.events(*(("GhostCore", JackedIn(user(n), 10 * DATA, 1, 10 * DATA)) for n in range(players)))
        with connection.transaction():
            connection.execute("TRUNCATE checkpoints, blocks, " + ", ".join(t.name for t in tables().values()))
            connection.execute("TRUNCATE " + ", ".join(t.current for t in tables().values() if t.current))
        counts.append(count_statements(connection, chain))
    assert counts[0] == counts[1] > 0


def count_statements(connection: Connection[Any], chain: ChainBuilder) -> int:
    notices: list[str] = []

    class Counting(psycopg.ClientCursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("execute")
            return super().execute(*args, **kwargs)

        def copy(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("copy")
            return super().copy(*args, **kwargs)

    write = Writer.write

    def counted(writer: Writer, batch: Batch) -> None:
        writer._claim.connection.cursor_factory = Counting
        write(writer, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "write", counted)
        index_blocks(chain.blocks)
    return len(notices)
