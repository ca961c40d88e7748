"""The right to write a chain's tables: whoever claimed them last may commit, and nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from psycopg import Connection, Cursor

from indexer.base.errors import Retryable
from indexer.domain.chain import Header
from indexer.domain.units import to_bytes
from indexer.store.checkpoint import HEAD_CHANNEL, NothingIndexed
from indexer.store.tables import block_datetime

_COMMIT: Final = (
    "WITH moved AS (UPDATE checkpoints SET {changes}indexed_at = clock_timestamp(), revision = revision + 1"
    " WHERE fence = %(fence)s AND block_number = %(from)s RETURNING block_number)"
    " SELECT pg_notify(%(channel)s, block_number::text) FROM moved"
)
_MOVE: Final = _COMMIT.format(
    changes="block_number = %(number)s, block_hash = %(hash)s, block_time = %(time)s, timestamp = %(timestamp)s,"
    " chain_head = %(head)s, "
)
_STAY: Final = _COMMIT.format(changes="")


class NotTheWriter(Retryable):
    """Another process has claimed the tables since, or has moved their checkpoint: nothing was written."""

    help = (
        "Only one process may write a chain's tables. This one goes back to waiting for its turn; if no other is meant"
        " to run, look for it by `SELECT * FROM pg_stat_activity`."
    )


class Claim:
    """The right to commit on a connection, with the number (`fence`) that the checkpoint's row got as it was taken.

    The advisory lock keeps a second writer from starting; a claim keeps one from committing that has lost the lock
    without noticing. Each commit moves the checkpoint from the block where the one before it left it.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.block_number = -1
        """The checkpoint's block as of the last commit here."""
        self._fence = -1

    def take(self) -> Self:
        """Take the right from whoever has it; the caller holds the chain's lock. Raises NothingIndexed."""
        row = self.connection.execute(
            "UPDATE checkpoints SET fence = fence + 1 RETURNING fence, block_number"
        ).fetchone()
        if row is None:
            raise NothingIndexed("this database holds no chain yet")
        self._fence, self.block_number = row
        return self

    @contextmanager
    def moving(self, header: Header, chain_head: int) -> Iterator[Cursor[Any]]:
        """A transaction that makes a block the checkpoint; with its commit a notification is sent.

        `chain_head` is the height of the node's newest known block. Raises NotTheWriter before anything is written.
        """
        values = {
            "number": header.number,
            "hash": to_bytes(header.hash),
            "time": block_datetime(header.timestamp),
            "timestamp": header.timestamp,
            "head": max(header.number, chain_head),
        }
        with self._committing(_MOVE, values) as cursor:
            yield cursor
        self.block_number = header.number

    @contextmanager
    def staying(self) -> Iterator[Cursor[Any]]:
        """A transaction that changes tables at an unchanged checkpoint; with its commit a notification is sent.

        Raises NotTheWriter before anything is written.
        """
        with self._committing(_STAY, {}) as cursor:
            yield cursor

    @contextmanager
    def _committing(self, statement: str, values: dict[str, Any]) -> Iterator[Cursor[Any]]:
        """The checkpoint's row comes first: it stays locked to the end, so that a second writer waits, then fails."""
        own = {"fence": self._fence, "from": self.block_number, "channel": HEAD_CHANNEL}
        with self.connection.transaction(), self.connection.cursor() as cursor:
            if cursor.execute(statement, values | own).rowcount != 1:
                raise NotTheWriter(
                    "another process writes this chain's tables: the checkpoint is no longer at block"
                    f" {self.block_number}, where this one left it, or was claimed since"
                )
            yield cursor
