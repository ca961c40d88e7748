"""Make an indexed database larger, by repeating its history within the time that it spans.

`DATABASE_URL=… python -m benchmarks.scale COPIES`, on a database that holds one indexed recording and nothing else.
Current rows and totals stay those of the first copy, as queries on them cost the same.
"""

import os
import sys
from typing import Any

import django
from psycopg import Connection

from benchmarks.clock import time_call
from indexer.domain.units import LOG_INDEX_BITS


def repeat(connection: Connection[Any], copies: int) -> int:
    """Replace all history by this number of copies, each in its part of the time span; return the number of rows."""
    from indexer.store.tables import tables

    row = connection.execute(
        f"SELECT max(id >> {LOG_INDEX_BITS}) + 1, min(block_time), max(block_time) - min(block_time) FROM chain_blocks"
    ).fetchone()
    assert row is not None
    blocks, start, span = row
    rows = 0
    for table in tables().values():
        moved = {
            "id": "id + n * %(ids)s",
            "event_id": "event_id + n * %(ids)s",
            "block_time": "%(start)s + (block_time - %(start)s + n * %(span)s) / %(copies)s",
        }
        columns = ", ".join(moved.get(column, column) for column in table.columns)
        connection.execute(f"CREATE TEMPORARY TABLE original AS TABLE {table.name}")
        connection.execute(f"TRUNCATE {table.name}")
        rows += connection.execute(
            f"INSERT INTO {table.name} ({table.column_list}) SELECT {columns} FROM original"
            " CROSS JOIN generate_series(0, %(copies)s - 1) AS n ORDER BY 1",
            {"ids": blocks << LOG_INDEX_BITS, "start": start, "span": span, "copies": copies},
        ).rowcount
        connection.execute("DROP TABLE original")
    connection.execute("TRUNCATE blocks")
    connection.execute(
        f"INSERT INTO blocks (number, hash, timestamp) SELECT id >> {LOG_INDEX_BITS}, hash,"
        " floor(extract(epoch FROM block_time))"
        " FROM chain_blocks ORDER BY id DESC LIMIT 100000"
    )
    connection.execute("UPDATE checkpoints SET block_number = block_number + %s", (blocks * (copies - 1),))
    connection.execute("ANALYZE")
    return rows


def main() -> None:
    """Repeat what the database holds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    django.setup()
    from indexer.store.database import connect

    with connect() as connection:
        seconds, rows = time_call(lambda: repeat(connection, int(sys.argv[1])))
    print(f"{rows:,} rows of history after {seconds:.0f} s")


if __name__ == "__main__":
    main()
