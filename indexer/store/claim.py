"""The right to write a chain's tables (a fencing token): only the process that claimed them last can commit."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from psycopg import Connection, Cursor
from psycopg.errors import DivisionByZero

from indexer.base.errors import GhostnetError, Retryable
from indexer.domain.chain import Header
from indexer.store.checkpoint import HEAD_CHANNEL, NothingIndexed
from indexer.store.lock import NEW_FENCE, indexer_lock
from indexer.store.schema import hold_schema
from indexer.store.statements import Statement, Statements
from indexer.store.tables import block_datetime, bytea

_BEGIN: Final[Statement] = "BEGIN", ()
_COMMIT: Final[Statement] = "COMMIT", ()
_CHANGE: Final = (
    "WITH moved AS (UPDATE checkpoints SET {changes}indexed_at = clock_timestamp(), revision = revision + 1"
    " WHERE fence = $1 AND block_number = $2 RETURNING 1) SELECT 1 / count(*) FROM moved"
)
"""Fails by a division by zero if the claim is lost; the statements sent after it are then not executed."""
_MOVE: Final = _CHANGE.format(
    changes="block_number = $3, block_hash = $4, block_time = $5, timestamp = $6, chain_head = $7, "
)
_STAY: Final = _CHANGE.format(changes="fence = fence + 1, ")
_NOTIFY: Final = (
    f"SELECT pg_notify('{HEAD_CHANNEL}', concat_ws(' ', block_number, revision, $1::text)) FROM checkpoints"
)

MakePayload = Callable[[], str | None]
"""Makes what a commit's notification carries besides the block's number and the revision, less than 7,950 bytes; None
for nothing."""


def no_payload() -> None:
    """The payload of a commit whose notification carries nothing else."""


class NotTheWriter(Retryable):
    """Another process has claimed the tables meanwhile, or has moved their checkpoint: nothing was written."""

    help = (
        "Only one process may write a chain's tables. This one goes back to waiting for its turn; if no other is meant"
        " to run, look for it by `SELECT * FROM pg_stat_activity`."
    )


class IndexerAtWork(GhostnetError):
    """An operation needs the tables for itself while an indexer writes to them."""

    help = (
        "Stop the indexer of this chain (and its standbys), let such commands end, do this again, and start the indexer"
        " after that."
    )


class Claim:
    """The right to commit on a connection, identified by a number (`fence`) that each claim increments.

    The advisory lock prevents a second writer from starting; the claim prevents a writer that lost its lock unnoticed
    from committing. Each commit requires the checkpoint to be where this writer's last commit left it.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.statements = Statements(connection)
        self.block_number = -1
        """The checkpoint's block as of the last commit here."""
        self._fence = -1
        self._moving_to = -1
        """The checkpoint's block after the commit that was begun."""

    def take(self) -> Self:
        """Claim the tables; the last claim ends. The caller holds the chain's lock.

        Raises NothingIndexed, SchemaMismatch, and SchemaChanging while the tables are being migrated.
        """
        with self.connection.transaction():
            hold_schema(self.connection)
            row = self.connection.execute(f"{NEW_FENCE} RETURNING fence, block_number").fetchone()
        if row is None:
            raise NothingIndexed("this database holds no chain yet")
        self._fence, self.block_number = row
        return self

    def begin_move(
        self, header: Header, chain_head: int, statements: Iterable[Statement], payload: MakePayload = no_payload
    ) -> None:
        """Send all that commits statements and makes a block the checkpoint, without waiting for it. The commit sends a
        notification, whose content is made last, while the database is at work.

        `chain_head` is the height of the node's newest known block. Call `finish_move` next: until it has
        returned, nothing may have been written. Raises psycopg.Error; nothing is written then.
        """
        with self._undone_at_an_error():
            self.statements.send(self._moved(header, chain_head, statements, payload))
        self._moving_to = header.number

    def finish_move(self) -> None:
        """Wait for the commit that was begun. Raises NotTheWriter, or psycopg.Error; nothing is written then."""
        with self._undone_at_an_error():
            self.statements.receive()
        self.block_number = self._moving_to

    @contextmanager
    def transaction_to(self, header: Header, chain_head: int) -> Iterator[Cursor[Any]]:
        """A transaction that makes a block the checkpoint; its commit sends a notification.

        `chain_head` is the height of the node's newest known block. Raises NotTheWriter before anything is written.
        """
        with self._committing(self._move(header, chain_head)) as cursor:
            yield cursor
        self.block_number = header.number

    @contextmanager
    def transaction_in_place(self) -> Iterator[Cursor[Any]]:
        """A transaction that changes tables without moving the checkpoint; its commit sends a notification.

        It increments the fence, so that processes that keep the tables' content in memory read all of it again.

        Raises NotTheWriter before anything is written.
        """
        with self._committing((_STAY, self._place())) as cursor:
            yield cursor
        self._fence += 1

    def _moved(
        self, header: Header, chain_head: int, statements: Iterable[Statement], payload: MakePayload
    ) -> Iterator[Statement]:
        """The statements of a commit. The checkpoint's row comes first: it stays locked, so that a second writer waits,
        then fails."""
        yield _BEGIN
        yield self._move(header, chain_head)
        yield from statements
        yield _NOTIFY, (payload(),)
        yield _COMMIT

    def _move(self, header: Header, chain_head: int) -> Statement:
        time, head = block_datetime(header.timestamp).isoformat(), max(header.number, chain_head)
        values = str(header.number), bytea(header.hash), time, str(header.timestamp), str(head)
        return _MOVE, (*self._place(), *values)

    def _place(self) -> tuple[str, str]:
        return str(self._fence), str(self.block_number)

    @contextmanager
    def _committing(self, first: Statement) -> Iterator[Cursor[Any]]:
        with self._undone_at_an_error():
            self.statements.execute([_BEGIN, first])
            # The connection's own cursors, which are Django's, would write the parameters into the statements.
            with Cursor(self.connection) as cursor:
                yield cursor
            self.statements.execute([(_NOTIFY, (None,)), _COMMIT])

    @contextmanager
    def _undone_at_an_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not self.connection.closed:
                self.connection.rollback()
            if isinstance(error, DivisionByZero):
                raise NotTheWriter(
                    "another process writes this chain's tables: the checkpoint is no longer at block"
                    f" {self.block_number}, where this one left it, or was claimed since"
                ) from error
            raise


@contextmanager
def exclusive_tables(connection: Connection[Any], chain_id: int) -> Iterator[Claim]:
    """Hold the indexer's lock of a chain; yields the claim to its tables, for the caller to take before writing.

    Raises IndexerAtWork if another session holds the lock.
    """
    lock = indexer_lock(chain_id)
    if not lock.try_acquire(connection):
        raise IndexerAtWork(f"an indexer of chain {chain_id}, or a command that writes its tables, is at work")
    try:
        yield Claim(connection)
    finally:
        lock.release(connection)
