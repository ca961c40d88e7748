"""Queries for the operators' status page: the indexer's pause, requests, audits, logs without effect."""

from typing import Final

from indexer.models import Audit, OperatorRequest, QuarantinedLog, UndecodedLog

MAX_COUNTED: Final = 10_000
"""Rows up to which undecoded logs are counted."""


def pause() -> OperatorRequest | None:
    """The request by which the indexer is paused; None if it is not."""
    kinds = (OperatorRequest.Kind.PAUSE, OperatorRequest.Kind.RESUME)
    done = OperatorRequest.objects.filter(kind__in=kinds, done_at__isnull=False, failed=False)
    last = done.order_by("-id").first()
    return last if last is not None and last.kind == OperatorRequest.Kind.PAUSE else None


def waiting_request_count() -> int:
    """How many requests to the indexer were not run yet."""
    return OperatorRequest.objects.filter(done_at=None).count()


def last_audit() -> Audit | None:
    """The newest audit."""
    return Audit.objects.order_by("-id").first()


def undecoded_count() -> int:
    """How many logs could not be decoded; counted up to MAX_COUNTED."""
    return len(UndecodedLog.objects.values_list("id")[:MAX_COUNTED])


def quarantined_count() -> int:
    """How many logs operators have quarantined."""
    return QuarantinedLog.objects.count()
