"""Shadow copies of the derived tables: filled beside them, compared with them, and put in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from psycopg import Cursor

from indexer.domain.chain import Header
from indexer.domain.units import first_id
from indexer.records.rows import FACTS, VERSIONS, ChainEventRow, Row
from indexer.store.claim import Claim
from indexer.store.digest import add_rows
from indexer.store.ranks import delete_ranks
from indexer.store.rollback import LIFT_DECOMPRESSION_LIMIT, delete_above
from indexer.store.tables import Table, tables
from indexer.store.totals import additions, recount_totals
from indexer.store.writer import append, copy_text

SCHEMA: Final = "rebuild"
DERIVED: Final = (*FACTS, *VERSIONS)
"""Everything that can be computed from the archive."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A derived table compared with its shadow: their numbers of rows, and whether the rows are the same."""

    row: type[Row]
    table: str
    rows_before: int
    rows_after: int
    same: bool


class Shadow:
    """Tables like the derived ones in a schema of their own, for the rows of the blocks above `before`."""

    def __init__(self, claim: Claim, before: Header) -> None:
        self._claim = claim
        self._connection = claim.connection
        self._before = before
        self._start = first_id(before.number + 1)

    def create(self) -> None:
        """Create empty tables, replacing those that an interrupted rebuild left."""
        self.drop()
        self._connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for row in DERIVED:
            table = tables()[row]
            self._connection.execute(f"CREATE UNLOGGED TABLE {SCHEMA}.{table.name} (LIKE {table.name})")

    def drop(self) -> None:
        """Drop all shadow tables."""
        self._connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")

    def append(self, rows: Mapping[type[Row], Sequence[Any]]) -> None:
        """Add the derived rows of some blocks; archive rows are ignored."""
        texts = [(_shadow_of(tables()[row]), copy_text(row, rows[row])) for row in DERIVED if rows.get(row)]
        if texts:
            with self._connection.transaction():
                append(self._connection, texts)

    def compare(self) -> list[Comparison]:
        """Each derived table with its shadow, by the digest of their rows."""
        with self._connection.transaction():
            return [self._compare(row) for row in DERIVED]

    def swap(self, comparisons: Sequence[Comparison], decoded: Sequence[ChainEventRow]) -> None:
        """Replace the rows of tables that differ by their shadows', in one transaction.

        `decoded` are events that can be decoded now and could not be before: they leave `undecoded_logs`.
        Raises NotTheWriter.
        """
        with self._claim.transaction_in_place() as cursor:
            cursor.execute(LIFT_DECOMPRESSION_LIMIT)
            for comparison in comparisons:
                if not comparison.same:
                    self._replace(cursor, tables()[comparison.row])
            ids = [event.id for event in decoded]
            append(self._connection, [(tables()[ChainEventRow], copy_text(ChainEventRow, decoded))])
            for addition in additions(tables()[ChainEventRow], "id = ANY(%(ids)s)"):
                cursor.execute(addition, {"ids": ids})
            cursor.execute("DELETE FROM undecoded_logs WHERE id = ANY(%s)", (ids,))
            recount_totals(self._connection)
            delete_ranks(cursor, self._before.number)

    def _compare(self, row: type[Row]) -> Comparison:
        table = tables()[row]
        ours, theirs = blake2b(digest_size=32), blake2b(digest_size=32)
        before = add_rows(ours, self._connection, table, self._start, None)
        after = add_rows(theirs, self._connection, _shadow_of(table), self._start, None)
        return Comparison(row, table.name, before, after, ours.digest() == theirs.digest())

    def _replace(self, cursor: Cursor[Any], table: Table) -> None:
        delete_above(cursor, table, self._before)
        cursor.execute(
            f"INSERT INTO {table.name} ({table.column_list})"
            f" SELECT {table.column_list} FROM {SCHEMA}.{table.name} ORDER BY id"
        )
        for addition in additions(table, "id >= %(start)s"):
            cursor.execute(addition, {"start": self._start})
        if table.current:
            cursor.execute(f"DELETE FROM {table.current}")
            cursor.execute(table.make_current("TRUE"))


def _shadow_of(table: Table) -> Table:
    return table._replace(name=f"{SCHEMA}.{table.name}")
