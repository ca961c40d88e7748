"""Write a batch of applied blocks: history, current rows, totals, headers and checkpoint, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from opentelemetry.trace import get_current_span
from psycopg import Cursor

from indexer.base.tracing import TRACER
from indexer.domain.chain import Header
from indexer.domain.units import first_id, to_bytes
from indexer.records.rows import Row
from indexer.store.claim import Announce, Claim, nothing
from indexer.store.few_rows import FEW_ROWS, append_few
from indexer.store.tables import Table, block_datetime, tables
from indexer.store.totals import add_to_totals


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive blocks, applied: their rows, and those of their headers that are known, oldest first: at least those
    of blocks with rows, and the last one. Rows are COPY `texts`, or, where they are `few`, as the rules left them."""

    texts: Mapping[type[Row], bytes]
    headers: Sequence[Header]
    few: Mapping[type[Row], Sequence[Any]] | None = None
    finalized: bool = False
    """Whether no expected reorg can drop the blocks: the commit then does not wait for the disk. After a crash of the
    database the checkpoint is that of an earlier batch, never one without its rows."""
    chain_head: int = 0
    """The height of the node's newest known block."""
    announce: Announce = nothing
    """Makes what the commit's notification carries."""

    @classmethod
    def of(
        cls,
        rows: Mapping[type[Row], Sequence[Any]],
        headers: Sequence[Header],
        *,
        finalized: bool,
        chain_head: int,
        announce: Announce = nothing,
    ) -> Self:
        """A batch of these rows; the last header becomes the checkpoint. Of many rows nothing is announced."""
        some = {row: of_class for row, of_class in rows.items() if of_class}
        if sum(map(len, some.values())) <= FEW_ROWS:
            return cls({}, headers, some, finalized, chain_head, announce)
        texts = {row: copy_text(row, of_class) for row, of_class in some.items()}
        return cls(texts, headers, None, finalized, chain_head)


class Writer:
    """Writes batches of one chain on the claim's connection, each in a transaction of its own."""

    def __init__(self, claim: Claim, headers_kept: int) -> None:
        self._claim = claim
        self._headers_kept = headers_kept

    @TRACER.start_as_current_span("commit")
    def write(self, batch: Batch) -> None:
        """Commit a batch, or nothing of it. May block on the database; raises NotTheWriter and psycopg.Error."""
        get_current_span().set_attribute("block", batch.headers[-1].number)
        last, kept = batch.headers[-1], batch.headers[-self._headers_kept :]
        with self._claim.moving(
            last, batch.chain_head, at_once=batch.few is not None, announce=batch.announce
        ) as cursor:
            if batch.finalized:
                cursor.execute("SET LOCAL synchronous_commit = off")
            if batch.few is not None:
                append_few(cursor, batch.few, kept)
            else:
                self._append_many(cursor, batch, kept)
            cursor.execute("DELETE FROM blocks WHERE number <= %s", (last.number - self._headers_kept,))

    def _append_many(self, cursor: Cursor[Any], batch: Batch, kept: Sequence[Header]) -> None:
        touched = [tables()[row] for row in batch.texts]
        for table in touched:
            append(cursor, table, batch.texts[table.row])
        with cursor.copy("COPY blocks (number, hash, timestamp) FROM STDIN") as copy:
            for header in kept:
                copy.write_row((header.number, to_bytes(header.hash), header.timestamp))
        # No statement here waits for the answer to the one before it; COPY can't be pipelined.
        with self._claim.connection.pipeline():
            appended = _appended(batch.headers)
            for table in touched:
                if table.current:
                    copy_newest_versions(cursor, table, *appended)
                add_to_totals(cursor, table, *appended)


def copy_text(row: type[Row], rows: Sequence[Any]) -> bytes:
    """Rows in PostgreSQL's COPY text format."""
    return tables()[row].lines(rows).encode()


def append(cursor: Cursor[Any], table: Table, text: bytes) -> None:
    """Append rows in COPY text format to a history table."""
    with cursor.copy(f"COPY {table.name} ({table.column_list}) FROM STDIN") as copy:
        copy.write(text)


def _appended(headers: Sequence[Header]) -> tuple[str, Sequence[Any]]:
    """An SQL condition, with its parameters, that exactly the rows of these blocks meet.

    The ids are bounded on both sides, though nothing lies above: the planner has no statistics of a fresh table and
    would read all of it for a one-sided bound.
    """
    return (
        "id >= %s AND id < %s AND block_time >= %s",
        (
            first_id(headers[0].number),
            first_id(headers[-1].number + 1),
            block_datetime(min(header.timestamp for header in headers)),
        ),
    )


def copy_newest_versions(cursor: Cursor[Any], table: Table, condition: str, parameters: Sequence[Any]) -> None:
    """Make each key's newest version among those that meet the condition its current row."""
    key = ", ".join(table.key)
    cursor.execute(
        f"INSERT INTO {table.current} ({table.column_list})"
        f" SELECT DISTINCT ON ({key}) {table.column_list} FROM {table.name} WHERE {condition} ORDER BY {key}, id DESC"
        f" {table.on_conflict}",
        parameters,
    )
