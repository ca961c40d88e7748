"""The right to write a chain's tables: whoever claimed them last may commit, and nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import psycopg
from psycopg import Connection, Cursor

from indexer.base.errors import Retryable
from indexer.domain.chain import Header
from indexer.domain.units import to_bytes
from indexer.store.checkpoint import HEAD_CHANNEL, NothingIndexed
from indexer.store.tables import block_datetime

PREPARE_THRESHOLD: Final = 5
"""After so many executions a statement is prepared on the server; Django's connections never do that by themselves."""
_COMMIT: Final = (
    "WITH moved AS (UPDATE checkpoints SET {changes}indexed_at = clock_timestamp(), revision = revision + 1"
    " WHERE fence = %(fence)s AND block_number = %(from)s RETURNING block_number, revision)"
    " SELECT pg_notify(%(channel)s, concat_ws(' ', block_number, revision, %(announcement)s::text)) FROM moved"
)
_MOVE: Final = _COMMIT.format(
    changes="block_number = %(number)s, block_hash = %(hash)s, block_time = %(time)s, timestamp = %(timestamp)s,"
    " chain_head = %(head)s, "
)
_STAY: Final = _COMMIT.format(changes="fence = fence + 1, ")


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
    def moving(
        self, header: Header, chain_head: int, *, at_once: bool = False, announcement: str | None = None
    ) -> Iterator[Cursor[Any]]:
        """A transaction that makes a block the checkpoint; with its commit a notification is sent: the block's number,
        the revision, and the `announcement`, of less than 7,950 bytes.

        `chain_head` is the height of the node's newest known block. Raises NotTheWriter before anything is written, or,
        where the transaction's statements are sent `at_once`, in pipeline mode, before anything is committed.
        """
        values = {
            "number": header.number,
            "hash": to_bytes(header.hash),
            "time": block_datetime(header.timestamp),
            "timestamp": header.timestamp,
            "head": max(header.number, chain_head),
            "announcement": announcement,
        }
        with self._committing_at_once(_MOVE, values) if at_once else self._committing(_MOVE, values) as cursor:
            yield cursor
        self.block_number = header.number

    @contextmanager
    def staying(self) -> Iterator[Cursor[Any]]:
        """A transaction that changes tables at an unchanged checkpoint; with its commit a notification is sent.

        The fence rises with it, as if the claim was taken anew: who keeps what the tables held reads all of it again.

        Raises NotTheWriter before anything is written.
        """
        with self._committing(_STAY, {"announcement": None}) as cursor:
            yield cursor
        self._fence += 1

    @contextmanager
    def _committing(self, statement: str, values: dict[str, Any]) -> Iterator[Cursor[Any]]:
        """The checkpoint's row comes first: it stays locked to the end, so that a second writer waits, then fails."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            self._check(moved=cursor.execute(statement, values | self._own).rowcount == 1)
            yield cursor

    @contextmanager
    def _committing_at_once(self, statement: str, values: dict[str, Any]) -> Iterator[Cursor[Any]]:
        """The same in two round trips: all statements up to the commit, prepared on the server, and the commit. Who has
        lost the claim may collide with the rows of the one who has it."""
        connection = self.connection
        connection.prepare_threshold = connection.prepare_threshold or PREPARE_THRESHOLD
        moving, cursor = Cursor(connection), Cursor(connection)
        try:
            with connection.pipeline():
                # A context of `connection.transaction` would wait for its BEGIN.
                cursor.execute("BEGIN")
                moving.execute(statement, values | self._own, prepare=True)
                yield cursor
                self._check(moved=moving.fetchone() is not None)
                cursor.execute("COMMIT")
        except BaseException as error:
            if not connection.closed:
                connection.rollback()
            if isinstance(error, psycopg.Error):
                self._check(moved=moving.rowcount != 0)
            raise

    @property
    def _own(self) -> dict[str, Any]:
        return {"fence": self._fence, "from": self.block_number, "channel": HEAD_CHANNEL}

    def _check(self, *, moved: bool) -> None:
        """Raise NotTheWriter unless the checkpoint has moved."""
        if not moved:
            raise NotTheWriter(
                "another process writes this chain's tables: the checkpoint is no longer at block"
                f" {self.block_number}, where this one left it, or was claimed since"
            )
