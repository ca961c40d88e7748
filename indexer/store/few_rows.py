"""Write few rows: one statement a table, for history, current rows and totals together, none of which is waited for.

At the head a commit holds a few dozen rows, and most of its time would be the round trips of one COPY a table and one
statement for each thing that follows from its rows. COPY is faster from some hundred rows on.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from psycopg import Cursor

from indexer.domain.chain import Header
from indexer.domain.units import to_bytes
from indexer.records.rows import Row
from indexer.store.tables import Table, tables
from indexer.store.totals import additions

FEW_ROWS: Final = 500

_BLOCKS: Final = (
    "INSERT INTO blocks (number, hash, timestamp) SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::numeric[])"
)


def append_few(cursor: Cursor[Any], rows: Mapping[type[Row], Sequence[Any]], headers: Sequence[Header]) -> None:
    """Append rows to their history tables, with what follows from them, and headers. The connection is in pipeline
    mode: the rows of a table are rendered while the database writes those before, a failure shows when it ends."""
    for row, some in rows.items():
        table = tables()[row]
        cursor.execute(_statement(table), table.arrays(some), prepare=True)
    cursor.execute(
        _BLOCKS,
        (
            [header.number for header in headers],
            [to_bytes(header.hash) for header in headers],
            [header.timestamp for header in headers],
        ),
        prepare=True,
    )


@cache
def _statement(table: Table) -> str:
    """Append rows to a history table, make the newest version of each key its current row, and add to the totals."""
    columns = table.column_list
    arrays = ", ".join(f"%s::{kind}[]" for kind in table.types)
    append = f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({arrays})"
    follow = []
    if table.current:
        key = ", ".join(table.key)
        follow.append(
            f"INSERT INTO {table.current} ({columns}) SELECT DISTINCT ON ({key}) {columns} FROM appended"
            f" ORDER BY {key}, id DESC {table.on_conflict}"
        )
    follow += [addition for addition, _ in additions(table._replace(name="appended"), "TRUE")]
    if not follow:
        return append
    *others, last = follow
    parts = [f"appended AS ({append} RETURNING {columns})"]
    parts += [f"follow_{number} AS ({other})" for number, other in enumerate(others)]
    return f"WITH {', '.join(parts)} {last}"
