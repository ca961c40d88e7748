"""Write a batch: facts and versions by COPY, current rows, headers and checkpoint, all in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from psycopg import Connection, Cursor

from indexer.domain.records import Row
from indexer.store.tables import Table, block_datetime, first_id, tables

HEAD_CHANNEL: Final = "ghostnet_head"
"""NOTIFY channel that tells of every commit: `<block number>`."""


@dataclass(frozen=True, slots=True)
class HeaderRecord:
    """A header to remember; timestamp in unix seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive blocks, applied: their rows as COPY text, and their headers, oldest first."""

    texts: Mapping[type[Row], bytes]
    headers: Sequence[HeaderRecord]
    settled: bool = False
    """Far below the head: the commit need not wait for the disk. After a crash of the database the checkpoint is then
    that of an earlier batch, never one without its rows."""

    @classmethod
    def of(cls, rows: Mapping[type[Row], Sequence[Any]], headers: Sequence[HeaderRecord], *, settled: bool) -> Self:
        """A batch of these rows; the last header becomes the checkpoint."""
        return cls({row: copy_text(row, some) for row, some in rows.items() if some}, headers, settled)


class Writer:
    """Writes batches of one chain on one connection, which must not be in autocommit mode."""

    def __init__(self, connection: Connection[Any], chain_id: int, headers_kept: int) -> None:
        self._connection = connection
        self._chain_id = chain_id
        self._headers_kept = headers_kept

    def write(self, batch: Batch) -> None:
        """Commit a batch, or nothing of it. May block on the database; raises psycopg.Error."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            if batch.settled:
                cursor.execute("SET LOCAL synchronous_commit = off")
            for row, text in batch.texts.items():
                table = tables()[row]
                append(cursor, table, text)
                if table.current:
                    update_current(cursor, table, batch.headers)
            self._write_headers(cursor, batch.headers)
            self._advance_checkpoint(cursor, batch.headers[-1])

    def _write_headers(self, cursor: Cursor[Any], headers: Sequence[HeaderRecord]) -> None:
        newest = headers[-1].number
        with cursor.copy("COPY blocks (number, hash, parent_hash, timestamp) FROM STDIN") as copy:
            for header in headers[-self._headers_kept :]:
                copy.write_row((header.number, _bytes(header.hash), _bytes(header.parent_hash), header.timestamp))
        cursor.execute("DELETE FROM blocks WHERE number <= %s", (newest - self._headers_kept,))

    def _advance_checkpoint(self, cursor: Cursor[Any], header: HeaderRecord) -> None:
        cursor.execute(
            "UPDATE checkpoints SET block_number = %s, block_hash = %s, block_time = %s, timestamp = %s,"
            " indexed_at = %s WHERE chain_id = %s",
            (
                header.number,
                _bytes(header.hash),
                block_datetime(header.timestamp),
                header.timestamp,
                datetime.now(UTC),
                self._chain_id,
            ),
        )
        cursor.execute("SELECT pg_notify(%s, %s)", (HEAD_CHANNEL, str(header.number)))


def copy_text(row: type[Row], rows: Sequence[Any]) -> bytes:
    """Rows in PostgreSQL's COPY text format."""
    return "".join(map(tables()[row].line, rows)).encode()


def append(cursor: Cursor[Any], table: Table, text: bytes) -> None:
    """Append rows in COPY text format to a history table."""
    with cursor.copy(f"COPY {table.name} ({table.column_list}) FROM STDIN") as copy:
        copy.write(text)


def update_current(cursor: Cursor[Any], table: Table, headers: Sequence[HeaderRecord]) -> None:
    """Bring the current rows up to the newest of the versions just appended.

    The ids are bounded on both sides, though nothing lies above: the planner has no statistics of a fresh table and
    would read all of it for a one-sided bound.
    """
    copy_newest_versions(
        cursor,
        table,
        "id >= %s AND id < %s AND block_time >= %s",
        (first_id(headers[0].number), first_id(headers[-1].number + 1), block_datetime(headers[0].timestamp)),
    )


def copy_newest_versions(cursor: Cursor[Any], table: Table, condition: str, parameters: Sequence[Any]) -> None:
    """Make each key's newest version among those that meet the condition its current row."""
    key = ", ".join(table.key)
    assignments = ", ".join(f"{column} = EXCLUDED.{column}" for column in table.columns if column not in table.key)
    cursor.execute(
        f"INSERT INTO {table.current} ({table.column_list})"
        f" SELECT DISTINCT ON ({key}) {table.column_list} FROM {table.name} WHERE {condition} ORDER BY {key}, id DESC"
        f" ON CONFLICT ({key}) DO UPDATE SET {assignments}",
        parameters,
    )


def _bytes(hex_text: str) -> bytes:
    return bytes.fromhex(hex_text[2:])
