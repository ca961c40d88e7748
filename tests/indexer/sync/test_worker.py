"""The incidents that the worker stores for operators."""

from typing import Any

from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.indexing import following
from tests.processes import await_block, await_true

OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Ends all other connections to this database, as a restart of the server does."""


def test_a_start_and_an_interruption_are_noted(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    def kinds() -> list[str]:
        return [kind for (kind,) in connection.execute("SELECT kind FROM incidents ORDER BY id")]

    with ReplayServer(season, ReplayOptions(head=20)) as node, following(node, truth.contracts):
        await_block(connection, 20)
        assert kinds() == ["started"]
        connection.execute(OTHERS)
        await_true(lambda: kinds() == ["started", "interrupted"], "the interruption was not noted")
        node.advance(1)
        await_block(connection, 21)
    assert kinds() == ["started", "interrupted"]
