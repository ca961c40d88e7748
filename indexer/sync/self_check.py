"""The audit as a part of indexing: every so many blocks, beside the loop, on a connection of its own."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from indexer.chain.errors import NodeError
from indexer.maintenance.audit import AuditImpossible, AuditReport, audit, record
from indexer.store.alarms import AlarmKind
from indexer.store.checkpoint import read_progress
from indexer.store.database import DATABASE_ERRORS, connect
from indexer.sync.metrics import ALARM, AUDIT_DIFFERENCES, AUDITED_BLOCK, AUDITS
from indexer.sync.observer import Applied, Observer

logger = logging.getLogger(__name__)

MOST_LOGGED: Final = 20
COMMIT_TRIES: Final = 100
COMMIT_PAUSE: Final = 0.02


class SelfCheck(Observer):
    """Audits a sample of the state every `every` blocks, near the head only: nodes forget the state of old blocks.

    Differences raise an alarm, which the next clean audit clears. One audit runs at a time.
    """

    def __init__(self, rpc_urls: Sequence[str], every: int, sample: int, reorg_depth: int) -> None:
        self._rpc_urls = rpc_urls
        self._every = every
        self._sample = sample
        self._reorg_depth = reorg_depth
        self._audited = 0
        self._thread: threading.Thread | None = None

    def applied(self, applied: Applied) -> None:
        due = applied.block // self._every
        busy = self._thread is not None and self._thread.is_alive()
        if due == self._audited or applied.lag > self._reorg_depth or busy:
            return
        self._audited = due
        self._thread = threading.Thread(target=self._run, args=[applied.block], name="self-check", daemon=True)
        self._thread.start()

    def _run(self, block: int) -> None:
        """Audit once the block is committed."""
        try:
            with connect() as connection:
                await_commit(connection, block)
                report = audit(connection, self._rpc_urls, sample=self._sample)
                record(connection, report)
        except (AuditImpossible, NodeError) as error:
            AUDITS.labels("impossible").inc()
            logger.warning("self-check impossible: %s", error)
        except DATABASE_ERRORS as error:
            AUDITS.labels("impossible").inc()
            logger.warning("self-check without a database: %s", error)
        else:
            _tell(report)


def await_commit(connection: Connection[Any], block: int) -> None:
    """Wait until a block that was applied is written, or long enough."""
    for _ in range(COMMIT_TRIES):
        if read_progress(connection).block_number >= block:
            return
        time.sleep(COMMIT_PAUSE)


def _tell(report: AuditReport) -> None:
    AUDITS.labels("differences" if report.differences else "clean").inc()
    AUDIT_DIFFERENCES.set(len(report.differences))
    AUDITED_BLOCK.set(report.block)
    ALARM.labels(AlarmKind.AUDIT).set(1 if report.differences else 0)
    for difference in report.differences[:MOST_LOGGED]:
        logger.error("audit at block %d: %s", report.block, difference)
    logger.info(
        "audit at block %d: %d views, %d differences, %.1f s",
        report.block,
        report.views_checked,
        len(report.differences),
        report.duration,
    )
