"""One hash over all chain-derived rows: equal chains give equal digests, however they were indexed."""

from hashlib import blake2b
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.store.loader import snapshot_of
from indexer.store.tables import Table, tables
from indexer.store.totals import wrong_totals


class CurrentRowsDiffer(GhostnetError):
    """A current table does not hold the newest version of each key."""

    help = "The database was changed by hand, or restored in part; restore it wholly or index it anew."


class TotalsDiffer(GhostnetError):
    """The running totals are not the sums over their history tables."""

    help = "The database was changed by hand; `manage.py rebuild_state` sums them up anew."


def state_digest(connection: Connection[Any], at_block: int | None = None) -> str:
    """A hash (32 bytes as hex) over all history up to a block, None meaning the checkpoint.

    At the checkpoint the current rows are checked against the newest versions first, and the totals against the sums.
    Raises CurrentRowsDiffer, TotalsDiffer, NothingIndexed or BlockNotIndexed.
    """
    with snapshot_of(connection, at_block) as snapshot:
        if snapshot.at_block == snapshot.checkpoint.block_number:
            check_current_rows(connection)
            for name, wrong in wrong_totals(connection).items():
                raise TotalsDiffer(f"{wrong} rows of {name} are not the sums over history")
        digest = blake2b(digest_size=32)
        checkpoint = snapshot.checkpoint
        digest.update(f"{checkpoint.chain_id} {checkpoint.start_block} {snapshot.at_block}\n".encode())
        for table in tables().values():
            digest.update(f"{table.name}\n".encode())
            add_rows(digest, connection, table, 0, snapshot.end_id)
    return digest.hexdigest()


def check_current_rows(connection: Connection[Any]) -> None:
    """Raise CurrentRowsDiffer unless each current row is its key's newest version, and none is missing."""
    for table in tables().values():
        if table.current:
            key = ", ".join(table.key)
            newest = f"SELECT DISTINCT ON ({key}) {table.column_list} FROM {table.name} ORDER BY {key}, id DESC"
            current = f"SELECT {table.column_list} FROM {table.current}"
            row = connection.execute(
                f"SELECT count(*) FROM ((({newest}) EXCEPT ({current})) UNION ALL (({current}) EXCEPT ({newest}))) AS d"
            ).fetchone()
            if row and row[0]:
                raise CurrentRowsDiffer(f"{row[0]} rows differ between {table.current} and the newest of {table.name}")


def add_rows(digest: blake2b, connection: Connection[Any], table: Table, start_id: int, end_id: int | None) -> int:
    """Add a table's rows with ids from `start_id` to below `end_id` (None: all) to a digest; return how many."""
    condition = f"id >= {start_id}" + ("" if end_id is None else f" AND id < {end_id}")
    query = f"SELECT {table.column_list} FROM {table.name} WHERE {condition} ORDER BY id"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            for chunk in copy:
                digest.update(chunk)
        return cursor.rowcount
