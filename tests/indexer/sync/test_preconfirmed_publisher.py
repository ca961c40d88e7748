"""Publishing preconfirmed items, through failures of the database."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from indexer.store.database import connect
from indexer.stream.feed import FeedEvent, FeedItem
from indexer.stream.preconfirmed import PRECONFIRMED_CHANNEL
from indexer.sync.preconfirmed_publisher import PreconfirmedPublisher

_OTHERS_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_notify%'
"""


@pytest.fixture
def publisher(database: str) -> Iterator[PreconfirmedPublisher]:
    opened = PreconfirmedPublisher()
    yield opened
    opened.close()


def items(text: str) -> list[FeedItem]:
    event = FeedEvent("JACK_IN", {"text": text}, 0, 0, "0x")
    return [FeedItem(1, "feed", True, "", event)]


def test_what_is_sent_after_waiting_comes_after_the_items(
    publisher: PreconfirmedPublisher, connection: Connection[Any]
) -> None:
    with connect() as listener:
        listener.execute(f"LISTEN {PRECONFIRMED_CHANNEL}")
        listener.execute("LISTEN blocks")
        for _ in range(150):
            publisher.publish(items("a" * 7_000))
        publisher.wait()
        connection.execute("NOTIFY blocks")
        received = [one.channel for one in listener.notifies(timeout=30, stop_after=151)]
    assert received == [PRECONFIRMED_CHANNEL] * 150 + ["blocks"]


def test_a_lost_connection_is_replaced(publisher: PreconfirmedPublisher, connection: Connection[Any]) -> None:
    with connect() as listener:
        listener.execute(f"LISTEN {PRECONFIRMED_CHANNEL}")
        publisher.publish(items("before"))
        (first,) = listener.notifies(timeout=30, stop_after=1)
        assert '"before"' in first.payload
        assert connection.execute(_OTHERS_END).fetchall()
        found: list[Any] = []
        for _ in range(300):
            publisher.publish(items("after"))
            if found := list(listener.notifies(timeout=0.1, stop_after=1)):
                break
        assert '"after"' in found[0].payload
