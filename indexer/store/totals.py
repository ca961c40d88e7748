"""Running totals per account: the writer adds what new history contributes, a rollback subtracts it again."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection, Cursor

from indexer.records.rows import DeathRow, PositionRow, Row, TokenTransferRow
from indexer.store.retention import horizon
from indexer.store.tables import Table, tables

NAME: Final = "account_totals"
COLUMNS: Final = ("entries", "balance", "earned", "lost", "deaths")


class Share(NamedTuple):
    """A row's contribution to the totals of the account that one of its columns names, as SQL expressions."""

    account: str
    balance: str = "0"
    earned: str = "0"
    lost: str = "0"
    deaths: str = "0"
    condition: str = "TRUE"


SHARES: Final[dict[type[Row], tuple[Share, ...]]] = {
    TokenTransferRow: (Share("recipient", balance="amount"), Share("sender", balance="-amount")),
    PositionRow: (Share("address", earned="rewards", condition="rewards > 0"),),
    DeathRow: (Share("address", lost="amount", deaths="1"),),
}


def add_to_totals(cursor: Cursor[Any], table: Table, where: str, parameters: Sequence[Any]) -> None:
    """Add the contributions of a history table's rows that meet a condition."""
    if table.row in SHARES:
        grown = ", ".join(f"{column} = {NAME}.{column} + EXCLUDED.{column}" for column in COLUMNS)
        cursor.execute(
            f"INSERT INTO {NAME} (address, {', '.join(COLUMNS)}) {totals_of(table, where)}"
            f" ON CONFLICT (address) DO UPDATE SET {grown}",
            list(parameters) * len(SHARES[table.row]),
        )


def subtract_from_totals(cursor: Cursor[Any], table: Table, where: str, parameters: Sequence[Any]) -> None:
    """Subtract the contributions of a history table's rows that meet a condition, before they are deleted."""
    if table.row in SHARES:
        shrunk = ", ".join(f"{column} = {NAME}.{column} - gone.{column}" for column in COLUMNS)
        gone, of_account = f"({totals_of(table, where)}) AS gone", f"gone.address = {NAME}.address"
        values = list(parameters) * len(SHARES[table.row])
        cursor.execute(f"DELETE FROM {NAME} USING {gone} WHERE {of_account} AND gone.entries = {NAME}.entries", values)
        cursor.execute(f"UPDATE {NAME} SET {shrunk} FROM {gone} WHERE {of_account}", values)


def wrong_totals(connection: Connection[Any]) -> int:
    """The number of rows that differ from the sums over history; 0 if retention has cut that history."""
    if not _history_is_whole(connection):
        return 0
    row = connection.execute(
        f"WITH expected AS ({_recount()}), stored AS (SELECT address, {', '.join(COLUMNS)} FROM {NAME})"
        " SELECT count(*) FROM ((TABLE expected EXCEPT TABLE stored)"
        " UNION ALL (TABLE stored EXCEPT TABLE expected)) AS differences"
    ).fetchone()
    assert row is not None, "an aggregate has one row"
    return int(row[0])


def recount_totals(connection: Connection[Any]) -> None:
    """Replace all totals by the sums over history, unless retention has cut that history."""
    if _history_is_whole(connection):
        with connection.transaction():
            connection.execute(f"DELETE FROM {NAME}")
            connection.execute(f"INSERT INTO {NAME} (address, {', '.join(COLUMNS)}) {_recount()}")


def _recount() -> str:
    """A query for the totals over all of history."""
    sums = ", ".join(f"sum({column})" for column in COLUMNS)
    history = " UNION ALL ".join(f"({totals_of(tables()[row], 'TRUE')})" for row in SHARES)
    return f"SELECT address, {sums} FROM ({history}) AS history GROUP BY address"


def _history_is_whole(connection: Connection[Any]) -> bool:
    return horizon(connection, [tables()[row].name for row in SHARES]) is None


def totals_of(table: Table, where: str) -> str:
    """A query for the contributions of those of a table's rows that meet a condition: one row per account, with the
    columns of the totals."""
    moves = " UNION ALL ".join(
        f"SELECT {share.account}, {share.balance}, {share.earned}, {share.lost}, {share.deaths} FROM {table.name}"
        f" WHERE {share.condition} AND {where}"
        for share in SHARES[table.row]
    )
    return (
        "SELECT address, count(*) AS entries, sum(balance) AS balance, sum(earned) AS earned, sum(lost) AS lost,"
        f" sum(deaths) AS deaths FROM ({moves}) AS moves (address, balance, earned, lost, deaths) GROUP BY address"
    )
