"""Tables of another version of the code: nothing is written to them, and readers get a message."""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django import db
from django.core.management import CommandError, call_command
from psycopg import AsyncConnection, Connection

from indexer.base.retry import Backoff
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.checkpoint import ForeignDatabase
from indexer.store.claim import Claim, NotTheWriter
from indexer.store.database import connect
from indexer.store.lock import SCHEMA_LOCK
from indexer.store.schema import SchemaChanging, SchemaMismatch, check_schema, schema_failure
from indexer.stream.connection import fetch_one
from indexer.stream.reconnect import run_with_reconnect
from tests.databases import default_database
from tests.indexer.store.building import deployed, index_blocks
from tests.indexing import index
from tests.rows import fetch_one as fetch_now

NEWEST = "SELECT max(name) FROM django_migrations WHERE app = 'indexer'"
LATER = "9999_later"


@pytest.fixture
def migrated(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """A connection to the default database, whose list of migrations may be changed."""
    before = connection.execute("SELECT app, name, applied FROM django_migrations ORDER BY id").fetchall()
    yield connection
    connection.execute("DELETE FROM django_migrations")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", before)


@pytest.fixture
def unmigrated(template: str, django_db_blocker: Any) -> Iterator[None]:
    """The default database has no tables."""
    with django_db_blocker.unblock(), default_database("postgres"):
        yield


def add(connection: Connection[Any], app: str, name: str) -> None:
    connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", (app, name))


def test_a_database_of_another_version_is_told_from_one_of_this(migrated: Connection[Any]) -> None:
    add(migrated, "axes", LATER)
    check_schema(migrated)
    newest = fetch_now(migrated, NEWEST)
    migrated.execute("DELETE FROM django_migrations WHERE name = %s", (newest,))
    with pytest.raises(SchemaMismatch, match=f"lacks the migration indexer.{newest}\nRun `manage.py migrate`"):
        check_schema(migrated)
    add(migrated, "indexer", LATER)
    with pytest.raises(
        SchemaMismatch, match=f"by another version of this code, which has .* indexer.{LATER}\nRun that"
    ):
        check_schema(migrated)


def test_who_writes_while_tables_are_migrated_commits_nothing_more(migrated: Connection[Any]) -> None:
    index_blocks(deployed().blocks)
    claim = Claim(migrated).take()
    with connect() as migrating:
        assert SCHEMA_LOCK.try_acquire(migrating)
        with db.connection.schema_editor():
            pass
        with pytest.raises(NotTheWriter), claim.transaction_in_place():
            pass
        with pytest.raises(SchemaChanging, match="being migrated"):
            Claim(migrated).take()
        add(migrating, "indexer", LATER)
        SCHEMA_LOCK.release(migrating)
    with pytest.raises(SchemaMismatch, match=LATER):
        Claim(migrated).take()


def test_an_indexer_of_another_version_or_deployment_leaves_no_trace(
    migrated: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """The data that another indexer keeps is served as it was: with an alarm it would not be."""

    def traces() -> list[Any]:
        return migrated.execute(
            "SELECT (SELECT count(*) FROM alarms), (SELECT count(*) FROM incidents), array_agg(chain_id)"
            " FROM heartbeats"
        ).fetchall()

    with ReplayServer(season[:20]) as node:
        index(node, truth.contracts)
        before = traces()
        with pytest.raises(ForeignDatabase, match="the start block configured is 5, but"):
            index(node, truth.contracts, start_block=5)
        with ReplayServer(season[:20], ReplayOptions(chain_id=1)) as other, pytest.raises(ForeignDatabase):
            index(other, truth.contracts)
        add(migrated, "indexer", LATER)
        with pytest.raises(SchemaMismatch):
            index(node, truth.contracts)
    assert traces() == before


@pytest.mark.usefixtures("unmigrated")
def test_a_command_without_tables_names_the_one_that_makes_them() -> None:
    for command in ("index_chain", "state_digest", "rebuild_state"):
        with pytest.raises(CommandError, match=re.escape("no tables yet\nRun `manage.py migrate`")):
            call_command(command)


@pytest.mark.usefixtures("unmigrated")
def test_a_task_that_reads_without_tables_logs_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    failures = []

    async def read(connection: AsyncConnection[Any], backoff: Backoff) -> None:
        failures.append(1)
        await fetch_one(connection, "SELECT FROM checkpoints")

    async def until_second_failure() -> None:
        task = asyncio.create_task(run_with_reconnect(read, "ghostnet test", "it can't be read"))
        while len(failures) < 2:  # noqa: ASYNC110 - nothing is notified
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_second_failure())
    (line,) = [record for record in caplog.records if record.name == run_with_reconnect.__module__]
    assert line.levelno == logging.WARNING
    assert "no tables yet\nRun `manage.py migrate`" in line.getMessage()
    assert line.exc_info is None


def test_a_fault_of_our_own_stays_one(connection: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable) as caught:
        connection.execute("SELECT FROM nowhere")
    assert schema_failure(caught.value) is None
    assert schema_failure(ValueError()) is None
