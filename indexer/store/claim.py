"""The right to write a chain's tables: whoever claimed them last may commit, and nobody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from psycopg import Connection, Cursor
from psycopg.errors import DivisionByZero

from indexer.base.errors import Retryable
from indexer.domain.chain import Header
from indexer.domain.units import to_bytes
from indexer.store.checkpoint import HEAD_CHANNEL, NothingIndexed
from indexer.store.tables import block_datetime

PREPARE_THRESHOLD: Final = 5
"""After so many executions a statement is prepared on the server; Django's connections never do that by themselves."""
_COMMIT: Final = (
    "WITH moved AS (UPDATE checkpoints SET {changes}indexed_at = clock_timestamp(), revision = revision + 1"
    " WHERE fence = %(fence)s AND block_number = %(from)s RETURNING 1) SELECT 1 / count(*) FROM moved"
)
"""Fails, by a division by zero, where the claim is lost: what follows it in a pipeline is then not executed."""
_MOVE: Final = _COMMIT.format(
    changes="block_number = %(number)s, block_hash = %(hash)s, block_time = %(time)s, timestamp = %(timestamp)s,"
    " chain_head = %(head)s, "
)
_STAY: Final = _COMMIT.format(changes="fence = fence + 1, ")
_NOTIFY: Final = (
    "SELECT pg_notify(%(channel)s, concat_ws(' ', block_number, revision, %(announcement)s::text)) FROM checkpoints"
)

Announce = Callable[[], str | None]
"""Makes what a commit's notification carries beside the block's number and the revision, less than 7,950 bytes; None
for nothing."""


def nothing() -> None:
    """The announcement of a commit whose notification carries no more."""


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
        self, header: Header, chain_head: int, *, at_once: bool = False, announce: Announce = nothing
    ) -> Iterator[Cursor[Any]]:
        """A transaction that makes a block the checkpoint, sent `at_once` or statement by statement; with its commit a
        notification is sent, whose content is made last, while the database is at work.

        `chain_head` is the height of the node's newest known block. Raises NotTheWriter before anything is written.
        """
        values = {
            "number": header.number,
            "hash": to_bytes(header.hash),
            "time": block_datetime(header.timestamp),
            "timestamp": header.timestamp,
            "head": max(header.number, chain_head),
        }
        with self._committing(_MOVE, values, announce, at_once=at_once) as cursor:
            yield cursor
        self.block_number = header.number

    @contextmanager
    def staying(self) -> Iterator[Cursor[Any]]:
        """A transaction that changes tables at an unchanged checkpoint; with its commit a notification is sent.

        The fence rises with it, as if the claim was taken anew: who keeps what the tables held reads all of it again.

        Raises NotTheWriter before anything is written.
        """
        with self._committing(_STAY, {}, nothing, at_once=False) as cursor:
            yield cursor
        self._fence += 1

    @contextmanager
    def _committing(
        self, statement: str, values: dict[str, Any], announce: Announce, *, at_once: bool
    ) -> Iterator[Cursor[Any]]:
        """The checkpoint's row comes first: it stays locked to the end, so that a second writer waits, then fails."""
        values |= {"fence": self._fence, "from": self.block_number}
        try:
            with self._pipelined() if at_once else self._step_by_step() as cursor:
                cursor.execute(statement, values, prepare=at_once)
                yield cursor
                notification = {"channel": HEAD_CHANNEL, "announcement": announce()}
                cursor.execute(_NOTIFY, notification, prepare=at_once)
        except DivisionByZero as error:
            raise NotTheWriter(
                "another process writes this chain's tables: the checkpoint is no longer at block"
                f" {self.block_number}, where this one left it, or was claimed since"
            ) from error

    @contextmanager
    def _step_by_step(self) -> Iterator[Cursor[Any]]:
        # The connection's own cursors, which are Django's, would write the parameters into the statements.
        with self.connection.transaction(), Cursor(self.connection) as cursor:
            yield cursor

    @contextmanager
    def _pipelined(self) -> Iterator[Cursor[Any]]:
        """A transaction in one round trip: nothing waits for an answer before the commit is sent."""
        connection = self.connection
        connection.prepare_threshold = connection.prepare_threshold or PREPARE_THRESHOLD
        try:
            with connection.pipeline(), Cursor(connection) as cursor:
                # A context of `connection.transaction` would wait for its BEGIN.
                cursor.execute("BEGIN")
                yield cursor
                cursor.execute("COMMIT")
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
