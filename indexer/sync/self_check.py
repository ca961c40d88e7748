"""The self-check: the indexer audits a sample of its own state every so many blocks."""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from indexer.base.retry import Backoff
from indexer.chain.errors import NodeError
from indexer.domain.finality import is_finalized
from indexer.maintenance.audit import AuditImpossible
from indexer.store.checkpoint import read_checkpoint
from indexer.sync.audits import audit_checkpoint
from indexer.sync.background import BackgroundJob
from indexer.sync.observer import Applied, Observer

logger = logging.getLogger(__name__)


class SelfCheck(Observer):
    """Makes its job due every `every` blocks, near the head only: nodes keep the state of recent blocks only.

    Differences raise an alarm, which the next clean audit clears.
    """

    def __init__(self, rpc_urls: Sequence[str], every: int, sample: int, reorg_depth: int) -> None:
        self.job = BackgroundJob("self-check", self._audit)
        self._rpc_urls = rpc_urls
        self._every = every
        self._sample = sample
        self._reorg_depth = reorg_depth
        self._audits_due = 0
        self._block = 0

    def applied(self, applied: Applied) -> None:
        audits_due = applied.block // self._every
        if audits_due != self._audits_due and not is_finalized(applied.block, applied.head, self._reorg_depth):
            self._audits_due = audits_due
            self._block = applied.block
            self.job.trigger()

    def _audit(self, job: BackgroundJob) -> None:
        """Audit once the applied block is committed; a node that can't answer is asked again when that is due."""
        with job.connect() as connection:
            _wait_for_commit(connection, self._block, job.stopping)
            try:
                audit_checkpoint(connection, self._rpc_urls, self._sample, job.stopping)
            except (AuditImpossible, NodeError) as error:
                logger.warning("self-check impossible: %s", error)


def _wait_for_commit(connection: Connection[Any], block: int, stop: threading.Event) -> None:
    """Wait until a block is committed, or until `stop` is set."""
    backoff = Backoff(first=0.02, longest=1.0)
    while read_checkpoint(connection).block_number < block and not stop.wait(backoff.pause()):
        pass
