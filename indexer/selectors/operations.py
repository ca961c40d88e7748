"""What operators look at: the indexer's pause, requests to it, audits, reorgs, logs without effect."""

from typing import Final

from indexer.models import Audit, OperatorRequest, QuarantinedLog, Reorg, UndecodedLog
from indexer.models.queries import LAST_PAUSE_OR_RESUME
from indexer.selectors.rows import fetch_rows

MOST_COUNTED: Final = 10_000
"""Rows up to which undecoded logs are counted."""


def is_paused() -> bool:
    """Whether operators have paused the indexer."""
    return fetch_rows(LAST_PAUSE_OR_RESUME) == [(OperatorRequest.Kind.PAUSE,)]


def waiting_request_count() -> int:
    """How many requests to the indexer were not run yet."""
    return OperatorRequest.objects.filter(done_at=None).count()


def last_audit() -> Audit | None:
    """The newest audit."""
    return Audit.objects.order_by("-id").first()


def last_reorgs(most: int) -> list[Reorg]:
    """The newest reorgs, the last one first."""
    return list(Reorg.objects.order_by("-id")[:most])


def undecoded_count() -> int:
    """How many logs could not be decoded; counted up to MOST_COUNTED."""
    return len(UndecodedLog.objects.values_list("id")[:MOST_COUNTED])


def quarantined_count() -> int:
    """How many logs operators have quarantined."""
    return QuarantinedLog.objects.count()
