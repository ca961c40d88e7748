"""The first blocks of a recording in a database: indexed once in each worker, copied from memory from then on."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.store.tables import tables
from tests.chains import recording
from tests.indexing import index

_KEPT: dict[tuple[str, int], dict[str, bytes]] = {}
"""For each recording and block, each table's rows in the binary form of COPY."""
_GO_ON_COUNTING = "SELECT setval(pg_get_serial_sequence('game_totals', 'id'), max(id)) FROM game_totals"
"""Set the sequence of the only filled table whose ids the database generates."""


def chain_tables() -> Iterator[str]:
    """The names of all tables that the indexer fills from the chain."""
    for table in tables().values():
        yield table.name
        if table.current:
            yield table.current
    yield from ("account_totals", "game_totals", "blocks", "checkpoints", "alarms")


def fill(connection: Connection[Any], block: int, name: str = "season") -> None:
    """Bring the default database, which is empty and which the connection is to, to a recording's state after a block,
    indexed right now."""
    if (name, block) in _KEPT:
        with connection.transaction(), connection.cursor() as cursor:
            for table, rows in _KEPT[name, block].items():
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
                    copy.write(rows)
            cursor.execute(_GO_ON_COUNTING)
            cursor.execute("UPDATE checkpoints SET indexed_at = now()")
            cursor.execute("UPDATE heartbeats SET seen_at = now()")
        return
    recorded = recording(name)
    with ReplayServer(recorded.blocks, ReplayOptions(head=block), state=recorded.state) as node:
        index(node, recorded.truth.contracts)
    _KEPT[name, block] = {table: _rows(connection, table) for table in (*chain_tables(), "heartbeats")}


def restore(connection: Connection[Any], block: int, name: str = "season") -> None:
    """Put the state after a block, which `fill` made before, in the place of all that the default database holds, as
    if from a backup."""
    with connection.transaction():
        for table in (*chain_tables(), "heartbeats", "reorgs", "outbox_cursors"):
            connection.execute(f"DELETE FROM {table}")
        fill(connection, block, name)


def _rows(connection: Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)") as copy:
        return b"".join(copy)
