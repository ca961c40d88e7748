"""Write small batches: one statement per table for history, current rows and totals, all sent together.

A commit at the head has a few dozen rows. With a COPY per table, and separate statements for current rows and totals,
most of its time would be spent on round trips. COPY is faster from some hundred rows on.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from indexer.domain.chain import Header
from indexer.records.rows import Row
from indexer.store.statements import Statement
from indexer.store.tables import Table, array, bytea, tables
from indexer.store.totals import additions

FEW_ROWS: Final = 500

_BLOCKS: Final = (
    "INSERT INTO blocks (number, hash, timestamp) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::numeric[])"
)


def few_rows(rows: Mapping[type[Row], Sequence[Any]]) -> Iterator[Statement]:
    """The statements that append rows to their history tables, and update current rows and totals by them."""
    for row, some in rows.items():
        table = tables()[row]
        yield _statement(table), table.arrays(some)


def few_headers(headers: Sequence[Header]) -> Statement:
    """The statement that appends blocks to those by which a reorg is detected."""
    return _BLOCKS, (
        array(str(header.number) for header in headers),
        array(bytea(header.hash) for header in headers),
        array(str(header.timestamp) for header in headers),
    )


@cache
def _statement(table: Table) -> str:
    """Append rows to a history table, make the newest version of each key its current row, and add to the totals."""
    columns = table.column_list
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(table.types, 1))
    append = f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({arrays})"
    follow = []
    if table.current:
        follow.append(table._replace(name="appended").make_current("TRUE"))
    follow += additions(table._replace(name="appended"), "TRUE")
    if not follow:
        return append
    *others, last = follow
    parts = [f"appended AS ({append} RETURNING {columns})"]
    parts += [f"follow_{number} AS ({other})" for number, other in enumerate(others)]
    return f"WITH {', '.join(parts)} {last}"
