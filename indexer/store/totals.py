"""Running totals: the writer adds what new history contributes, a rollback subtracts it again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from psycopg import Connection, Cursor

from indexer.models import GameTotal
from indexer.records.rows import (
    BuybackRow,
    ChainEventRow,
    CullingRow,
    DeathRow,
    EmissionRow,
    PositionRow,
    RoundRow,
    Row,
    ScanRow,
    SystemResetRow,
    TokenTransferRow,
    TollRow,
)
from indexer.store.retention import horizon
from indexer.store.tables import Table, tables

Kind = GameTotal.Kind


class Share(NamedTuple):
    """What each row of a history table that meets `condition` adds: the key of the total, and the summed columns
    (0 for those that are not there), as SQL expressions."""

    key: tuple[str, ...]
    sums: Mapping[str, str] = MappingProxyType({})
    condition: str = "TRUE"


@dataclass(frozen=True, slots=True)
class Totals:
    """A table of totals: a row per `key`, with the number of history's rows (`entries`) and the sums over them."""

    name: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    shares: Mapping[type[Row], tuple[Share, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        return *self.key, "entries", *self.sums

    @property
    def column_list(self) -> str:
        return ", ".join(self.columns)

    def contributions(self, table: Table, where: str) -> str:
        """A query for the contributions of those of a table's rows that meet a condition: one row per key, with the
        columns of the totals. `where` occurs once for each share of the table."""
        rows = " UNION ALL ".join(
            f"SELECT {', '.join([*share.key, *(share.sums.get(column, '0') for column in self.sums)])}"
            f" FROM {table.name} WHERE {share.condition} AND {where}"
            for share in self.shares[table.row]
        )
        key = ", ".join(self.key)
        sums = ", ".join(f"sum({column}) AS {column}" for column in self.sums)
        return f"SELECT {key}, count(*) AS entries, {sums} FROM ({rows}) AS moves ({key}, {', '.join(self.sums)})" + (
            f" GROUP BY {key}"
        )

    def recount(self) -> str:
        """A query for the totals over all of history."""
        history = " UNION ALL ".join(f"({self.contributions(tables()[row], 'TRUE')})" for row in self.shares)
        key = ", ".join(self.key)
        sums = ", ".join(f"sum({column})" for column in ("entries", *self.sums))
        return f"SELECT {key}, {sums} FROM ({history}) AS history GROUP BY {key}"


ACCOUNTS: Final = Totals(
    "account_totals",
    key=("address",),
    sums=("balance", "earned", "lost", "deaths"),
    shares={
        TokenTransferRow: (
            Share(("recipient",), {"balance": "amount"}),
            Share(("sender",), {"balance": "-amount"}),
        ),
        PositionRow: (Share(("address",), {"earned": "rewards"}, "rewards > 0"),),
        DeathRow: (Share(("address",), {"lost": "amount", "deaths": "1"}),),
    },
)
GAME: Final = Totals(
    "game_totals",
    key=("kind", "level"),
    sums=("amount", "burned", "paid"),
    shares={
        DeathRow: (Share((f"'{Kind.DEATH}'", "level"), {"amount": "amount"}),),
        EmissionRow: (Share((f"'{Kind.EMISSION}'", "level"), {"amount": "amount"}),),
        CullingRow: (Share((f"'{Kind.CULLING}'", "level"), {"amount": "amount", "burned": "burned"}),),
        ScanRow: (
            Share((f"'{Kind.SCAN}'", "level"), condition="step = 'executed'"),
            Share((f"'{Kind.CASCADE}'", "level"), {"burned": "coalesce(burned, 0)"}, "step = 'finalized'"),
        ),
        RoundRow: (Share((f"'{Kind.ROUND}'", "0"), {"burned": "burned"}, "action = 'resolved'"),),
        SystemResetRow: (
            Share(
                (f"'{Kind.RESET}'", "0"),
                {"amount": "total_penalty", "burned": "burned", "paid": "paid_amount"},
            ),
        ),
        TollRow: (Share((f"'{Kind.TOLL}'", "0"), {"amount": "amount"}),),
        BuybackRow: (
            Share(
                (f"'{Kind.BUYBACK}'", "0"),
                {"amount": "eth_spent", "burned": "data_burned", "paid": "data_received"},
            ),
        ),
        ChainEventRow: (
            Share(
                (f"'{Kind.TAX}'", "0"),
                {"burned": "(args->>'amount')::numeric"},
                "contract = 'DataToken' AND name = 'TaxBurned'",
            ),
        ),
    },
)
TOTALS: Final = (ACCOUNTS, GAME)


def additions(table: Table, where: str) -> Iterator[str]:
    """The statements that add the contributions of a table's rows that meet a condition, whose parameters have names or
    numbers: it may occur more than once."""
    for totals in _of(table):
        grown = ", ".join(f"{column} = {totals.name}.{column} + EXCLUDED.{column}" for column in _added(totals))
        yield (
            f"INSERT INTO {totals.name} ({totals.column_list}) {totals.contributions(table, where)}"
            f" ON CONFLICT ({', '.join(totals.key)}) DO UPDATE SET {grown}"
        )


def subtract_from_totals(cursor: Cursor[Any], table: Table, where: str, parameters: Mapping[str, Any]) -> None:
    """Subtract the contributions of a history table's rows that meet a condition, before they are deleted; its
    parameters have names."""
    for totals in _of(table):
        name = totals.name
        shrunk = ", ".join(f"{column} = {name}.{column} - gone.{column}" for column in _added(totals))
        gone = f"({totals.contributions(table, where)}) AS gone"
        same = " AND ".join(f"gone.{column} = {name}.{column}" for column in totals.key)
        cursor.execute(f"DELETE FROM {name} USING {gone} WHERE {same} AND gone.entries = {name}.entries", parameters)
        cursor.execute(f"UPDATE {name} SET {shrunk} FROM {gone} WHERE {same}", parameters)


def wrong_totals(connection: Connection[Any]) -> dict[str, int]:
    """The number of rows that differ from the sums over history, by table of totals; without tables where none does.

    Totals over history that retention has cut can't be compared, and are not.
    """
    found = {}
    for totals in TOTALS:
        if _history_is_whole(connection, totals):
            row = connection.execute(
                f"WITH expected AS ({totals.recount()}), stored AS (SELECT {totals.column_list} FROM {totals.name})"
                " SELECT count(*) FROM ((TABLE expected EXCEPT TABLE stored)"
                " UNION ALL (TABLE stored EXCEPT TABLE expected)) AS differences"
            ).fetchone()
            assert row is not None, "an aggregate has one row"
            if row[0]:
                found[totals.name] = int(row[0])
    return found


def recount_totals(connection: Connection[Any]) -> None:
    """Replace all totals by the sums over history, except those over history that retention has cut."""
    for totals in TOTALS:
        if _history_is_whole(connection, totals):
            with connection.transaction():
                connection.execute(f"DELETE FROM {totals.name}")
                connection.execute(f"INSERT INTO {totals.name} ({totals.column_list}) {totals.recount()}")


def _of(table: Table) -> Iterable[Totals]:
    return [totals for totals in TOTALS if table.row in totals.shares]


def _added(totals: Totals) -> tuple[str, ...]:
    return "entries", *totals.sums


def _history_is_whole(connection: Connection[Any], totals: Totals) -> bool:
    return horizon(connection, [tables()[row].name for row in totals.shares]) is None
