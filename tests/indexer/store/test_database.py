"""Failures of the database: temporary ones are a class of their own."""

import os
import socket
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.base.errors import Retryable
from indexer.store.claim import Claim
from indexer.store.database import (
    DatabaseFull,
    DatabaseReadOnly,
    DatabaseUnusable,
    StatementCancelled,
    connect,
    database_failures,
)
from indexer.store.writer import Writer


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (("SET default_transaction_read_only = on", "CREATE TABLE refused ()"), DatabaseReadOnly),
        (("SET statement_timeout = '1ms'", "SELECT pg_sleep(9)"), StatementCancelled),
        (("SET transaction_timeout = '1ms'", "SELECT pg_sleep(9)"), StatementCancelled),
        (("SET lock_timeout = '1ms'", "DELETE FROM blocks"), StatementCancelled),
        (("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(9)",), StatementCancelled),
        (("DO $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$",), DatabaseFull),
    ],
)
def test_what_the_server_does_to_a_statement_has_a_name(
    connection: Connection[Any], statements: tuple[str, ...], kind: type[DatabaseUnusable]
) -> None:
    with connect() as other, other.transaction():
        other.execute("LOCK TABLE blocks IN SHARE MODE")
        for preparation in statements[:-1]:
            connection.execute(preparation)
        with pytest.raises(DatabaseUnusable) as caught, database_failures():
            connection.execute(statements[-1])
    assert type(caught.value) is kind
    assert isinstance(caught.value, Retryable) is (kind is not DatabaseFull)
    assert caught.value.help


def test_a_fault_of_the_statement_itself_stays_what_it_is(connection: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), database_failures():
        connection.execute("SELECT FROM nowhere")


def test_the_connection_of_a_writer_holds_more_than_by_default_where_it_is_local(connection: Connection[Any]) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as local:
        before = local.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        Writer(Claim(connection), 10)
        grown = local.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before
        assert grown is (local.family == socket.AF_UNIX)
