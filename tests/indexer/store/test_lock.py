"""The chain's lock: one indexer writes, others wait for it."""

import asyncio
import threading

import psycopg
import pytest
from django.db import connections

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.lock import RELAY_LOCK, PooledConnection, indexer_lock
from indexer.stream.connection import listen
from tests.pooler import needs_pgbouncer, pooler
from tests.processes import run_command


def test_a_second_indexer_waits_and_takes_over(database: str) -> None:
    stop = threading.Event()
    with connect() as first, connect() as second:
        assert indexer_lock(6343).try_acquire(first)
        assert indexer_lock(4326).try_acquire(second)
        taken: list[bool] = []
        waiting = threading.Thread(target=lambda: taken.append(indexer_lock(6343).acquire(second, stop)))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        first.close()
        waiting.join(5)
        assert taken == [True]


def test_a_waiting_indexer_can_be_stopped(database: str) -> None:
    stop = threading.Event()
    with connect() as first, connect() as second:
        assert indexer_lock(6343).try_acquire(first)
        stop.set()
        assert indexer_lock(6343).acquire(second, stop) is False


@needs_pgbouncer
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pooler_is_refused_and_keeps_no_lock(database: str, caplog: pytest.LogCaptureFixture, mode: str) -> None:
    name = connections["default"].settings_dict["NAME"]
    with pooler(name, mode) as url:
        with psycopg.connect(url, autocommit=True) as pooled, pytest.raises(PooledConnection, match="pooler"):
            indexer_lock(6343).try_acquire(pooled)
        asyncio.run(listen_behind(url))
    assert "notifications get lost" in caplog.text
    with connect() as direct:
        assert indexer_lock(6343).try_acquire(direct)


async def listen_behind(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as pooled:
        with pytest.raises(PooledConnection, match="pooler"):
            await RELAY_LOCK.try_acquire_async(pooled)
        await listen(pooled)


@needs_pgbouncer
def test_an_indexer_behind_a_pooler_ends_with_a_sentence(database: str, season: list[RecordedBlock]) -> None:
    with (
        ReplayServer(season[:20]) as node,
        pooler(connections["default"].settings_dict["NAME"], "transaction") as url,
    ):
        done = run_command(url, node.url, "index_chain", "--until-head")
    assert done.returncode == 1
    assert "DATABASE_URL leads to a pooler (as PgBouncer)" in done.stderr
    assert "Traceback" not in done.stderr
