"""Moving to another server: everything arrives, and indexing continues there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.lock import indexer_lock
from tests.databases import Databases, database_url, default_database
from tests.filling import fill
from tests.indexing import index
from tests.processes import HEAD
from tests.rows import fetch_one

Digest = Callable[[int], str]


def test_the_copy_is_the_same_and_goes_on(
    databases: Databases,
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Digest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        target = databases.make()
        with default_database(databases.make()), connect() as source:
            fill(source, HEAD)
            server.fork(3, 3)
            index(server, truth.contracts)
            server.restore_recorded(350)
            index(server, truth.contracts)
            call_command("copy_database", database_url(target))
        with default_database(target), connect() as connection:
            digest = digest_at(350)
            assert f"both databases have the digest {digest}" in capsys.readouterr().out
            assert state_digest(connection) == digest
            reorgs = fetch_one(connection, "SELECT count(*) FROM reorgs")
            assert reorgs > 0
            server.fork(40, 30)
            index(server, truth.contracts)
            assert fetch_one(connection, "SELECT count(*) FROM reorgs") == reorgs + 1
            server.restore_recorded(400)
            index(server, truth.contracts)
            assert state_digest(connection) == digest_at(400)


def test_a_copy_that_can_not_be_made_says_why(
    database: str, connection: Connection[Any], databases: Databases, season: list[RecordedBlock], truth: Truth
) -> None:
    target = database_url(databases.make())
    with pytest.raises(CommandError, match="holds no chain yet"):
        call_command("copy_database", target)
    with pytest.raises(CommandError, match="postgresql://"):
        call_command("copy_database", "mysql://somewhere")
    for address in ("postgres:///", "postgresql://user:secret@host:99999999/name"):
        with pytest.raises(CommandError, match="postgresql://user@host") as raised:
            call_command("copy_database", address)
        assert "secret" not in str(raised.value)
    with ReplayServer(season[:30]) as server:
        index(server, truth.contracts)
    with connect() as other:
        assert indexer_lock(truth.chain_id).try_acquire(other)
        with pytest.raises(CommandError, match="at work"):
            call_command("copy_database", target)
    with pytest.raises(CommandError, match="holds a chain already"):
        call_command("copy_database", database)
    with pytest.raises(CommandError, match="database can't be used"):
        call_command("copy_database", target.replace("/ghostnet_", "/no_such_", 1))
