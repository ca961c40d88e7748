"""What happened to the indexer lately: reorgs, alarms, starts, interruptions, requests and audits, in one list."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from indexer.models import Audit, Incident, OperatorRequest, Reorg

MOST: Final = 200
"""Entries of each kind that are read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened: `grave` if it needs attention; `model` and `row` name the row that has more of it."""

    at: datetime
    kind: str
    text: str
    grave: bool
    model: str
    row: int


def timeline(since: datetime) -> list[Entry]:
    """What happened since a time, the last thing first."""
    found = [*_reorgs(since), *_incidents(since), *_requests(since), *_audits(since)]
    return sorted(found, key=attrgetter("at"), reverse=True)


def _reorgs(since: datetime) -> list[Entry]:
    return [
        Entry(
            row.detected_at,
            "reorg",
            f"{row.depth} block{'s' * (row.depth != 1)} replaced above {row.ancestor_number},"
            f" {row.rows_undone} rows undone in {row.duration_ms} ms",
            grave=False,
            model="reorg",
            row=row.id,
        )
        for row in Reorg.objects.filter(detected_at__gte=since).order_by("-id")[:MOST]
    ]


def _incidents(since: datetime) -> list[Entry]:
    return [
        Entry(row.at, row.kind.replace("_", " "), row.message, row.kind == "alarm", "incident", row.id)
        for row in Incident.objects.filter(at__gte=since).order_by("-id")[:MOST]
    ]


def _requests(since: datetime) -> list[Entry]:
    found: list[Entry] = []
    for row in OperatorRequest.objects.filter(requested_at__gte=since).order_by("-id")[:MOST]:
        what = f"{row.kind} {row.argument}".strip()
        found.append(
            Entry(
                row.requested_at,
                "request",
                f"{row.requested_by} asked for {what}: {row.reason}",
                grave=False,
                model="operatorrequest",
                row=row.id,
            )
        )
        if row.done_at is not None:
            result = "failed" if row.failed else "done"
            text = f"{what} {result}: {row.outcome}"
            found.append(Entry(row.done_at, "request", text, row.failed, "operatorrequest", row.id))
    return found


def _audits(since: datetime) -> list[Entry]:
    return [
        Entry(
            row.finished_at,
            "audit",
            f"block {row.block_number}: {row.differences or 'no'} differences in {row.views_checked:,} views",
            bool(row.differences),
            "audit",
            row.id,
        )
        for row in Audit.objects.filter(finished_at__gte=since).order_by("-id")[:MOST]
    ]
