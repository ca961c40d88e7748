"""Background jobs: run when due, one run at a time, repeated after temporary failures, ended by their worker."""

import threading
from typing import Any

import pytest
from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.sync import background
from indexer.sync.background import BackgroundJob
from tests.indexing import index
from tests.processes import await_true
from tests.rows import fetch_one

SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'"


def sleep_in_database(job: BackgroundJob) -> None:
    with job.connect() as connection:
        connection.execute("SELECT pg_sleep(600)")


def test_a_job_runs_only_when_due_and_once_more_if_due_during_a_run() -> None:
    running, release, done = threading.Event(), threading.Event(), threading.Semaphore(0)
    at_once: list[int] = []

    def work(job: BackgroundJob) -> None:
        at_once.append(sum(thread.name == "counted" for thread in threading.enumerate()))
        running.set()
        release.wait()
        done.release()

    job = BackgroundJob("counted", work)
    job.start()
    assert at_once == []
    job.trigger()
    running.wait()
    job.trigger()
    job.trigger()
    release.set()
    done.acquire()
    done.acquire()
    job.stop()
    assert at_once == [1, 1]


def test_a_lost_connection_is_logged_and_the_run_repeated(
    database: str,
    connection: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.01)
    attempts, repeated = [], threading.Event()

    def work(job: BackgroundJob) -> None:
        attempts.append(job)
        with job.connect() as own:
            if len(attempts) == 1:
                connection.execute("SELECT pg_terminate_backend(%s)", (own.info.backend_pid,))
            own.execute("SELECT 1")
        repeated.set()

    job = BackgroundJob("unlucky", work)
    job.start()
    job.trigger()
    repeated.wait()
    job.stop()
    assert len(attempts) == 2
    assert "unlucky failed, trying again" in caplog.text


def test_after_a_failure_that_does_not_pass_a_job_waits_until_it_is_due_again(caplog: pytest.LogCaptureFixture) -> None:
    attempts, second = [], threading.Event()

    def work(job: BackgroundJob) -> None:
        attempts.append(job)
        if len(attempts) == 1:
            raise GhostnetError("broken for good")
        second.set()

    job = BackgroundJob("broken", work)
    job.start()
    job.trigger()
    await_true(lambda: "broken for good" in caplog.text, "the failure was not logged")
    assert len(attempts) == 1
    job.trigger()
    second.wait()
    job.stop()


def test_a_job_is_stopped_amid_a_long_statement(database: str, connection: Connection[Any]) -> None:
    job = BackgroundJob("slow", sleep_in_database)
    job.start()
    job.trigger()
    await_true(lambda: bool(fetch_one(connection, SLEEPING)), "the statement did not begin")
    job.stop()
    assert fetch_one(connection, SLEEPING) == 0


def test_no_job_outlives_its_worker(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    before = set(threading.enumerate())
    job = BackgroundJob("slow", sleep_in_database)
    job.trigger()
    with ReplayServer(season[:30]) as server:
        index(server, truth.contracts, jobs=[job])
        left = {thread.name for thread in set(threading.enumerate()) - before}
    assert job.stopping.is_set()
    assert not left & {"slow", "source", "writer"}, left
