"""The chain's lock: one indexer writes, others wait for it."""

import threading

from indexer.store.database import connect
from indexer.store.lock import indexer_lock


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
