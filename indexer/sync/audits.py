"""Audit the checkpoint and report the result everywhere: database row, alarm, metrics and log."""

import logging
import threading
from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from indexer.chain.errors import NodeError
from indexer.maintenance.audit import AuditImpossible, AuditReport, audit
from indexer.store.alarms import AlarmKind, clear_alarm, raise_alarm
from indexer.store.audits import record_audit
from indexer.sync.metrics import ALARM, AUDIT_DIFFERENCES, AUDITED_BLOCK, AUDITS

logger = logging.getLogger(__name__)

MAX_LOGGED: Final = 20
"""Differences, at most, that are logged one by one."""


def audit_checkpoint(
    connection: Connection[Any], rpc_urls: Sequence[str], sample: int | None, stop: threading.Event | None = None
) -> AuditReport:
    """Compare the state at the checkpoint with the contracts' views, and report what was found.

    `sample` limits players, accounts, rounds and bets to so many of each, drawn at random. Raises as `audit` does; an
    audit that the node made impossible is counted, and leaves the alarm as it was.
    """
    try:
        report = audit(connection, rpc_urls, sample=sample, stop=stop)
    except (AuditImpossible, NodeError):
        AUDITS.labels("impossible").inc()
        raise
    _store(connection, report)
    _measure(report)
    _log(report)
    return report


def _store(connection: Connection[Any], report: AuditReport) -> None:
    """Keep the result, and raise the alarm about differences, or clear it, in the same transaction."""
    with connection.transaction():
        record_audit(connection, report.block, report.views_checked, report.differences, report.duration)
        if report.differences:
            count, first = len(report.differences), report.differences[0]
            message = f"{count} differences at block {report.block}, the first one: {first}"
            raise_alarm(connection, AlarmKind.AUDIT, message)
        else:
            clear_alarm(connection, AlarmKind.AUDIT)


def _measure(report: AuditReport) -> None:
    AUDITS.labels("differences" if report.differences else "clean").inc()
    AUDIT_DIFFERENCES.set(len(report.differences))
    AUDITED_BLOCK.set(report.block)
    ALARM.labels(AlarmKind.AUDIT).set(1 if report.differences else 0)


def _log(report: AuditReport) -> None:
    for difference in report.differences[:MAX_LOGGED]:
        logger.error("audit at block %d: %s", report.block, difference)
    logger.info("audit at block %d: %s, %.1f s", report.block, report.outcome, report.duration)
