"""Statements that are sent at once: in order, up to the first that fails, each prepared once; COPY likewise."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.store.database import connect
from indexer.store.statements import Statement, Statements, copy_in
from tests.rows import fetch_one


def noting(number: object) -> Statement:
    return "INSERT INTO noted VALUES ($1)", (None if number is None else str(number),)


@pytest.fixture
def statements(connection: Connection[Any]) -> Statements:
    connection.execute("CREATE TEMPORARY TABLE noted (number integer)")
    return Statements(connection)


def noted(connection: Connection[Any]) -> list[int | None]:
    return [number for (number,) in connection.execute("SELECT number FROM noted")]


def test_statements_are_executed_in_order(connection: Connection[Any], statements: Statements) -> None:
    statements.execute([noting(1), ("UPDATE noted SET number = number * $1::integer", ("5",)), noting(None), noting(2)])
    assert noted(connection) == [5, None, 2]


@pytest.mark.parametrize("bad", [noting("none"), ("SELECT 1 / 0", ()), ("SELEC", ())], ids=["value", "result", "text"])
def test_what_comes_after_an_error_is_not_executed(
    connection: Connection[Any], statements: Statements, bad: Statement
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        statements.execute([("BEGIN", ()), noting(1), bad, noting(2), ("COMMIT", ())])
    assert caught.value.sqlstate in ("22P02", "22012", "42601")
    connection.rollback()
    assert noted(connection) == []
    statements.execute([noting(3)])
    assert noted(connection) == [3]


def test_several_sendings_are_transactions_of_their_own_and_received_together(
    connection: Connection[Any], statements: Statements
) -> None:
    statements.send([noting(1)])
    statements.send([noting("none"), noting(2)])
    statements.send([noting(3)])
    with pytest.raises(psycopg.Error, match="none"):
        statements.receive()
    statements.execute([noting(4)])
    assert noted(connection) == [1, 3, 4]


def test_a_statement_is_prepared_once(connection: Connection[Any], statements: Statements) -> None:
    for number in range(20):
        statements.execute([noting(number), noting(number)])
    assert fetch_one(connection, "SELECT count(*) FROM pg_prepared_statements") == 1
    Statements(connection).execute([noting(20)])
    assert len(noted(connection)) == 41


def test_what_fails_before_all_is_sent_leaves_the_connection_usable(
    connection: Connection[Any], statements: Statements
) -> None:
    with pytest.raises(ZeroDivisionError):
        statements.execute(noting(number // number) for number in (1, 0))
    statements.execute([noting(3)])
    assert noted(connection) == [1, 3]


def test_a_lost_connection_is_an_operational_error(connection: Connection[Any], statements: Statements) -> None:
    with pytest.raises(psycopg.OperationalError):
        statements.execute([("SELECT pg_terminate_backend(pg_backend_pid())", ()), noting(1)])
    assert connection.closed
    with pytest.raises(psycopg.OperationalError):
        statements.execute([noting(1)])


COPY = "COPY noted FROM STDIN"


def test_copies_follow_each_other(connection: Connection[Any], statements: Statements) -> None:
    long = [(b" " * 1_000 + b"7\n") * 200] * 30
    copy_in(connection, [(COPY, [b"1\n2", b"3\n"]), (COPY, []), (COPY, long), (COPY, [b"\\N\n"])])
    found = noted(connection)
    assert (found[:2], set(found[2:-1]), len(found), found[-1]) == ([1, 23], {7}, 6_003, None)


@pytest.mark.parametrize(
    "bad", [(COPY, [b"none\n"] * 9), ("COPY noted (name) FROM STDIN", [b"1\n"])], ids=["value", "text"]
)
@pytest.mark.parametrize("before", [0, 1])
def test_copies_after_an_error_are_not_executed(
    connection: Connection[Any], statements: Statements, bad: tuple[str, list[bytes]], before: int
) -> None:
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        copy_in(connection, [*[(COPY, [b"1\n"])] * before, bad, (COPY, [b"2\n"])])
    assert caught.value.sqlstate in ("22P02", "42703")
    copy_in(connection, [(COPY, [b"3\n"])])
    assert noted(connection) == [3]


def test_a_copy_that_its_caller_gives_up_leaves_the_connection_usable(
    connection: Connection[Any], statements: Statements
) -> None:
    parts: Any = [b"1\n", None]
    with pytest.raises(TypeError), connection.transaction():
        copy_in(connection, [(COPY, parts), (COPY, [b"2\n"])])
    copy_in(connection, [(COPY, [b"3\n"])])
    assert noted(connection) == [3]


def test_a_copy_on_a_lost_connection_is_an_operational_error(
    connection: Connection[Any], statements: Statements
) -> None:
    with connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            copy_in(connection, [(COPY, [b"1\n"])])
