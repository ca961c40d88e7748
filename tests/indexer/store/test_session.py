"""Sessions: a server's own settings do not affect what is read, written and answered."""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection as django_connection
from django.test import Client

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.stream import connection as stream
from indexer.stream.reader import FeedCursor, read_step
from tests.databases import Databases, default_database, execute_on_server
from tests.indexing import index

HOSTILE = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "serializable",
    "search_path": "elsewhere",
    "lock_timeout": "1ms",
}
"""Settings of a server, a database or a role, each unlike what the project relies on."""

ANSWERS = (
    "/",
    "/api/v1/events?limit=100",
    "/api/v1/positions?limit=100",
    "/api/v1/stats/volume",
    "/api/v1/stats/tvl/history",
)

AT_WORK = re.compile(rb'"(stalled|indexer_seen_at)":[^,]*,|data-(state|said|verdict)="[^"]*"|<p id="connection".*?</p>')
"""What an answer says of the indexer, which is at work for one of the databases alone."""


@pytest.fixture
def hostile(databases: Databases) -> Iterator[str]:
    """A migrated, empty database with settings of its own; Django's default connection uses it."""
    name = databases.make()
    execute_on_server(*(f"ALTER DATABASE {name} SET {key} = {value!r}" for key, value in HOSTILE.items()))
    with default_database(name):
        yield name
    execute_on_server(f"ALTER DATABASE {name} RESET ALL")


def test_a_server_s_own_settings_change_nothing(
    hostile: str,
    indexed_season: str,
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Callable[[int], str],
) -> None:
    with ReplayServer(season) as node:
        index(node, truth.contracts)
    with connect() as connection:
        assert state_digest(connection) == digest_at(1007)
    answers, steps = all_answers(), asyncio.run(first_step())
    with default_database(indexed_season):
        assert answers == all_answers()
        assert steps == asyncio.run(first_step())


def all_answers() -> dict[str, bytes]:
    cache.clear()
    client, answers = Client(), {}
    for path in ANSWERS:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.content)
        answers[path] = AT_WORK.sub(b"", answer.content)
    return answers


async def first_step() -> Any:
    async with await stream.connect("test") as connection:
        step = await read_step(connection, FeedCursor(0, 0), 1_000)
        assert step is not None
        return step.items


def test_tables_may_be_in_a_schema_of_one_s_own(hostile: str, databases: Databases) -> None:
    """Then `public` comes after it: there the extension is, or the function in its place."""
    databases.spoiled = True
    with connect() as own:
        own.execute("CREATE SCHEMA elsewhere")
    django_connection.close()
    django_connection.prepare_database()
    with connect() as own:
        assert own.execute("SELECT current_schemas(false)").fetchone() == (["elsewhere", "public"],)
        assert own.execute("SELECT time_bucket('1 day', now()) <= now()").fetchone() == (True,)


def test_an_empty_search_path_is_filled(hostile: str) -> None:
    execute_on_server(f"ALTER DATABASE {hostile} SET search_path = ''")
    with connect() as own:
        assert own.execute("SELECT current_schemas(false)").fetchone() == (["public"],)
