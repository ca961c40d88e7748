"""Undo a reorg: cut history above the common ancestor, and restore current rows from it, without any game rule."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Cursor

from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, Hash, first_id, to_bytes
from indexer.store.claim import Claim
from indexer.store.headers import stored_header
from indexer.store.ranks import delete_ranks
from indexer.store.tables import Table, block_datetime, tables
from indexer.store.totals import subtract_from_totals

LIFT_DECOMPRESSION_LIMIT: Final = "SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0"
"""Allows to roll back a reorg into compressed chunks, though none is expected. No effect on a plain server."""

BEFORE_THE_CHAIN: Final = Header(-1, NO_HASH, NO_HASH, 0)
"""The header before block 0, which the checkpoint has until that block is indexed."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """A finished rollback: the common ancestor, the number of dropped blocks, and `duration` in seconds."""

    ancestor: int
    depth: int
    rows_undone: int
    duration: float


def roll_back(claim: Claim, ancestor: int, new_hashes: Sequence[Hash] = ()) -> Rollback:
    """Restore the tables to their state after block `ancestor`, in one transaction. Its header must be stored, unless
    it is `BEFORE_THE_CHAIN`: then they are empty afterwards.

    `new_hashes` are the hashes of the blocks that replace the dropped ones, oldest first, as far as they are known.
    Raises NotTheWriter and psycopg.Error; then nothing is changed.
    """
    started = time.monotonic()
    is_stored = ancestor != BEFORE_THE_CHAIN.number
    header = stored_header(claim.connection, ancestor) if is_stored else BEFORE_THE_CHAIN
    dropped_head = claim.block_number
    assert header is not None, "the caller found the ancestor among the stored headers"
    with claim.transaction_to(header, dropped_head) as cursor:
        cursor.execute(LIFT_DECOMPRESSION_LIMIT)
        undone = sum(_roll_back_table(cursor, table, header) for table in tables().values())
        delete_ranks(cursor, ancestor)
        cursor.execute("DELETE FROM blocks WHERE number > %s RETURNING number, hash", (ancestor,))
        dropped_hashes = [block_hash for _, block_hash in sorted(cursor)]
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


def delete_above(cursor: Cursor[Any], table: Table, ancestor: Header) -> int:
    """Delete a history table's rows above the ancestor, and their share of the totals; return how many.

    The time bound lets TimescaleDB skip all older chunks.
    """
    above = "id >= %(id)s AND block_time >= %(time)s"
    parameters = {"id": first_id(ancestor.number + 1), "time": block_datetime(ancestor.timestamp)}
    subtract_from_totals(cursor, table, above, parameters)
    cursor.execute(f"DELETE FROM {table.name} WHERE {above}", parameters)
    return cursor.rowcount


def _roll_back_table(cursor: Cursor[Any], table: Table, ancestor: Header) -> int:
    """Delete a table's rows above the ancestor and restore its current rows; return how many were deleted.

    A key was touched since if its current row, which is its newest version, is from above the ancestor.
    """
    if table.current:
        _restore_current(cursor, table, first_id(ancestor.number + 1))
    return delete_above(cursor, table, ancestor)


def _restore_current(cursor: Cursor[Any], table: Table, start: int) -> None:
    """Replace each current row with an id from `start` on by its key's newest version below `start`, or delete it."""
    same_key = " AND ".join(f"version.{column} = touched.{column}" for column in table.key)
    columns = ", ".join(f"newest.{column}" for column in table.columns)
    cursor.execute(
        f"INSERT INTO {table.current} ({table.column_list})"
        f" SELECT {columns} FROM {table.current} AS touched CROSS JOIN LATERAL ("
        f"  SELECT * FROM {table.name} AS version WHERE {same_key} AND version.id < %(start)s"
        f"  ORDER BY version.id DESC LIMIT 1) AS newest"
        f" WHERE touched.id >= %(start)s {table.on_conflict}",
        {"start": start},
    )
    cursor.execute(f"DELETE FROM {table.current} WHERE id >= %s", (start,))
