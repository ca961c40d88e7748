"""Undo everything above a block, without knowing any rule: history is cut, current rows are rebuilt from it."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, Cursor

from indexer.store.tables import Table, block_datetime, first_id, tables
from indexer.store.writer import HEAD_CHANNEL, copy_newest_versions


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback did; `duration` in seconds."""

    ancestor: int
    depth: int
    rows_undone: int
    duration: float


def roll_back(connection: Connection[Any], ancestor: int, new_hash: str | None) -> Rollback:
    """Make the tables what they were after block `ancestor`, whose header must be stored, in one transaction.

    `new_hash` is the hash of the block that replaces the first dropped one, where known. Raises psycopg.Error; then
    nothing is changed.
    """
    started = time.monotonic()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT block_number, block_hash FROM checkpoints FOR UPDATE")
        head_number, head_hash = _one(cursor)
        cursor.execute("SELECT hash, timestamp FROM blocks WHERE number = %s", (ancestor,))
        ancestor_hash, timestamp = _one(cursor)
        ancestor_time = block_datetime(int(timestamp))
        undone = sum(_undo(cursor, table, ancestor, ancestor_time) for table in tables().values())
        cursor.execute("DELETE FROM blocks WHERE number > %s", (ancestor,))
        cursor.execute(
            "UPDATE checkpoints SET block_number = %s, block_hash = %s, block_time = %s, timestamp = %s",
            (ancestor, ancestor_hash, ancestor_time, timestamp),
        )
        duration = time.monotonic() - started
        cursor.execute(
            "INSERT INTO reorgs (detected_at, ancestor_number, ancestor_hash, dropped_head, dropped_hash, new_hash,"
            " depth, rows_undone, duration_ms) VALUES (now(), %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                ancestor,
                ancestor_hash,
                head_number,
                head_hash,
                bytes.fromhex(new_hash[2:]) if new_hash else None,
                head_number - ancestor,
                undone,
                round(duration * 1000),
            ),
        )
        cursor.execute("SELECT pg_notify(%s, %s)", (HEAD_CHANNEL, str(ancestor)))
    return Rollback(ancestor, head_number - ancestor, undone, time.monotonic() - started)


def _undo(cursor: Cursor[Any], table: Table, ancestor: int, ancestor_time: datetime) -> int:
    """Delete a table's rows above the ancestor; rebuild the current rows that they had touched.

    The time bound lets TimescaleDB skip all older chunks.
    """
    cut = first_id(ancestor + 1)
    if not table.current:
        cursor.execute(f"DELETE FROM {table.name} WHERE id >= %s AND block_time >= %s", (cut, ancestor_time))
        return cursor.rowcount
    key = ", ".join(table.key)
    cursor.execute(
        f"CREATE TEMPORARY TABLE touched ON COMMIT DROP AS"
        f" SELECT DISTINCT {key} FROM {table.name} WHERE id >= %s AND block_time >= %s",
        (cut, ancestor_time),
    )
    cursor.execute(f"DELETE FROM {table.name} WHERE id >= %s AND block_time >= %s", (cut, ancestor_time))
    undone = cursor.rowcount
    cursor.execute(f"DELETE FROM {table.current} WHERE ({key}) IN (SELECT {key} FROM touched)")
    copy_newest_versions(cursor, table, f"({key}) IN (SELECT {key} FROM touched)", ())
    cursor.execute("DROP TABLE touched")
    return undone


def _one(cursor: Cursor[Any]) -> Any:
    row = cursor.fetchone()
    assert row is not None, "the checkpoint and the ancestor's header are stored"
    return row
