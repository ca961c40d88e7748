"""Clients cannot fill the log."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import current_thread

from ghostnet.http.threads import PAGE_THREADS
from ghostnet.observability.repeats import MAX_LINES, SECONDS, FewOfAKind


def record(name: str, message: str, status: int) -> logging.LogRecord:
    found = logging.LogRecord(name, logging.WARNING, "", 1, message, (), None)
    found.status_code = status
    return found


def test_what_is_logged_while_a_request_is_worked_on_counts_whoever_logs_it() -> None:
    few = FewOfAKind(lambda: 0.0)
    line = record("indexer.chain.client", "node failed", 0)
    line.threadName = (
        ThreadPoolExecutor(1, thread_name_prefix=PAGE_THREADS).submit(lambda: current_thread().name).result()
    )
    assert [few.filter(line) for _ in range(MAX_LINES + 1)].count(True) == MAX_LINES


def test_few_lines_of_a_kind_are_written_and_the_others_are_counted() -> None:
    now = 0.0
    few = FewOfAKind(lambda: now)
    passed = [few.filter(record("django.request", f"Not Found: /{n}", 404)) for n in range(MAX_LINES + 7)]
    assert passed.count(True) == MAX_LINES
    assert few.filter(record("django.request", "Bad Request: /", 400)), "another kind"
    assert all(few.filter(record("indexer.sync", "left out", 0)) for _ in range(MAX_LINES * 2)), "no stranger's"
    now = SECONDS
    first, second = record("django.request", "Not Found: /", 404), record("django.request", "Not Found: /", 404)
    assert few.filter(first)
    assert few.filter(second)
    assert (vars(first).get("left_out"), vars(second).get("left_out")) == (7, None)
