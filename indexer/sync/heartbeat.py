"""The heartbeat of the indexer at work, stored every few seconds whether or not anything is indexed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from indexer.chain.source import BlockSource
from indexer.store.heartbeat import beat, database_size
from indexer.sync.background import BackgroundJob
from indexer.sync.metrics import DATABASE_SIZE, LAG

BEAT_SECONDS: Final = 2.0
BEATS_A_SIZE: Final = 30
"""Heartbeats between two queries of the database's size, for which the server reads the size of each file."""


class Heartbeat:
    """Stores, while a source is watched, the height of the node's head with the time, and measures the lag by it."""

    def __init__(self, chain_id: int) -> None:
        self.job = BackgroundJob("heartbeat", self._beat)
        self._chain_id = chain_id
        self._source: BlockSource | None = None

    @contextmanager
    def watching(self, source: BlockSource) -> Iterator[None]:
        """Beat for an opened source until the block ends. The caller holds the chain's lock."""
        self._source = source
        self.job.trigger()
        try:
            yield
        finally:
            self._source = None

    def _beat(self, job: BackgroundJob) -> None:
        """Beat as long as the source is watched; the next one that is watched makes the job due again."""
        beats = 0
        with job.connect() as connection:
            while (source := self._source) is not None:
                head = source.head
                if head is not None:
                    indexed = beat(connection, self._chain_id, head)
                    LAG.set(max(0, head - indexed) if indexed is not None else head)
                if beats % BEATS_A_SIZE == 0:
                    DATABASE_SIZE.set(database_size(connection))
                beats += 1
                if job.stopping.wait(BEAT_SECONDS):
                    return
