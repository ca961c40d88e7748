"""A snapshot of the database for all reads of an answer, and the block of its state."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from django.db import connection

from indexer.selectors.rows import plain


@dataclass(frozen=True, slots=True)
class IndexedBlock:
    """The checkpoint as web processes read it; `timestamp` in unix seconds.

    `chain_head` is the node's last block at the time of the indexer's last commit; `revision` rises with every commit,
    also with a rollback's: two reads of the same revision are of the same state.
    """

    chain_id: int
    start_block: int
    block_number: int
    block_hash: str
    block_time: datetime
    timestamp: int
    chain_head: int
    revision: int

    @property
    def behind(self) -> int:
        """How many blocks were missing up to the node's head."""
        return max(0, self.chain_head - self.block_number)


CHECKPOINT_COLUMNS: Final = tuple(field.name for field in fields(IndexedBlock))
READ_CHECKPOINT: Final = f"SELECT {', '.join(CHECKPOINT_COLUMNS)} FROM checkpoints WHERE block_number >= start_block"
QUERY_TIMEOUT: Final = "5s"
_BEGIN: Final = (
    f"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = '{QUERY_TIMEOUT}';"
    f" {READ_CHECKPOINT}"
)


def indexed_block(row: tuple[Any, ...] | None) -> IndexedBlock | None:
    """The checkpoint of a row of READ_CHECKPOINT; None before anything is indexed."""
    return None if row is None else IndexedBlock(*map(plain, row))


@contextmanager
def snapshot() -> Iterator[IndexedBlock | None]:
    """Read in one transaction, in which all reads see the state after the block that it yields.

    It yields None before anything is indexed. The transaction begins in the message that reads the checkpoint: one of
    Django's own would cost two more round trips, which are most of a short answer's time. Raises
    django.db.OperationalError, also for a query that takes longer than QUERY_TIMEOUT.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(_BEGIN)
            cursor.nextset()
            cursor.nextset()
            yield indexed_block(cursor.fetchone())
        finally:
            if not connection.connection.closed:
                cursor.execute("COMMIT")
