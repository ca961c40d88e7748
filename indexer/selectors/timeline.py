"""Recent reorgs, incidents, requests of operators, and audits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from indexer.models import Audit, Incident, OperatorRequest, Reorg

MAX_ROWS: Final = 200
"""Rows of each table that are read."""


@dataclass(frozen=True, slots=True)
class Lately:
    """The rows of some time, of each table the newest first."""

    reorgs: list[Reorg]
    incidents: list[Incident]
    requests: list[OperatorRequest]
    audits: list[Audit]


def lately(since: datetime) -> Lately:
    """The rows since a time, at most MAX_ROWS of each table."""
    return Lately(
        reorgs=list(Reorg.objects.filter(detected_at__gte=since).order_by("-id")[:MAX_ROWS]),
        incidents=list(Incident.objects.filter(at__gte=since).order_by("-id")[:MAX_ROWS]),
        requests=list(OperatorRequest.objects.filter(requested_at__gte=since).order_by("-id")[:MAX_ROWS]),
        audits=list(Audit.objects.filter(finished_at__gte=since).order_by("-id")[:MAX_ROWS]),
    )
