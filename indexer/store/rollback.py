"""Undo everything above a block, without knowing any rule: history is cut, current rows are rebuilt from it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, Cursor

from indexer.domain.chain import Header
from indexer.domain.units import Hash, to_bytes, to_hex
from indexer.store.checkpoint import set_checkpoint
from indexer.store.tables import Table, block_datetime, first_id, tables
from indexer.store.writer import copy_newest_versions


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback did; `duration` in seconds."""

    ancestor: int
    depth: int
    rows_undone: int
    duration: float


def roll_back(connection: Connection[Any], ancestor: int, new_hashes: Sequence[Hash] = ()) -> Rollback:
    """Make the tables what they were after block `ancestor`, whose header must be stored, in one transaction.

    `new_hashes` are those of the blocks that replace the dropped ones, oldest first, as far as they are known. Raises
    psycopg.Error; then nothing is changed.
    """
    started = time.monotonic()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT block_number FROM checkpoints FOR UPDATE")
        (dropped_head,) = _one(cursor)
        header = _stored_header(cursor, ancestor)
        undone = sum(cut(cursor, table, header) for table in tables().values())
        cursor.execute("DELETE FROM blocks WHERE number > %s RETURNING number, hash", (ancestor,))
        dropped_hashes = [block_hash for _, block_hash in sorted(cursor)]
        set_checkpoint(cursor, header)
        duration = time.monotonic() - started
        cursor.execute(
            "INSERT INTO reorgs (detected_at, ancestor_number, ancestor_hash, dropped_head, dropped_hashes, new_hashes,"
            " depth, rows_undone, duration_ms) VALUES (clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                ancestor,
                to_bytes(header.hash),
                dropped_head,
                dropped_hashes,
                [to_bytes(new_hash) for new_hash in new_hashes],
                dropped_head - ancestor,
                undone,
                round(duration * 1000),
            ),
        )
    return Rollback(ancestor, dropped_head - ancestor, undone, time.monotonic() - started)


def cut(cursor: Cursor[Any], table: Table, ancestor: Header) -> int:
    """Delete a table's rows above the ancestor and rebuild the current rows that they had touched; return how many.

    The time bound lets TimescaleDB skip all older chunks.
    """
    bounds = (first_id(ancestor.number + 1), block_datetime(ancestor.timestamp))
    if not table.current:
        return _delete(cursor, table, bounds)
    key = ", ".join(table.key)
    cursor.execute(
        f"CREATE TEMPORARY TABLE touched ON COMMIT DROP AS"
        f" SELECT DISTINCT {key} FROM {table.name} WHERE id >= %s AND block_time >= %s",
        bounds,
    )
    undone = _delete(cursor, table, bounds)
    cursor.execute(f"DELETE FROM {table.current} WHERE ({key}) IN (SELECT {key} FROM touched)")
    copy_newest_versions(cursor, table, f"({key}) IN (SELECT {key} FROM touched)", ())
    cursor.execute("DROP TABLE touched")
    return undone


def _delete(cursor: Cursor[Any], table: Table, bounds: tuple[int, datetime]) -> int:
    cursor.execute(f"DELETE FROM {table.name} WHERE id >= %s AND block_time >= %s", bounds)
    return cursor.rowcount


def _stored_header(cursor: Cursor[Any], number: int) -> Header:
    cursor.execute("SELECT hash, parent_hash, timestamp FROM blocks WHERE number = %s", (number,))
    block_hash, parent_hash, timestamp = _one(cursor)
    return Header(number, Hash(to_hex(block_hash)), Hash(to_hex(parent_hash)), int(timestamp))


def _one(cursor: Cursor[Any]) -> Any:
    row = cursor.fetchone()
    assert row is not None, "the checkpoint and the ancestor's header are stored"
    return row
