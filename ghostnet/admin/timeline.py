"""Recent events of the indexer, in words and in one list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from ghostnet.pages.wording import in_words
from indexer.models import Audit, Incident, OperatorRequest, Reorg
from indexer.selectors.timeline import lately


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
    found = lately(since)
    entries = [*map(_reorg, found.reorgs), *map(_incident, found.incidents), *map(_audit, found.audits)]
    entries += [entry for request in found.requests for entry in _request(request)]
    return sorted(entries, key=attrgetter("at"), reverse=True)


def _reorg(row: Reorg) -> Entry:
    text = (
        f"{row.depth} block{'s' * (row.depth != 1)} replaced above {row.ancestor_number},"
        f" {row.rows_undone} rows undone in {row.duration_ms} ms"
    )
    return Entry(row.detected_at, "reorg", text, grave=False, model="reorg", row=row.id)


def _incident(row: Incident) -> Entry:
    return Entry(row.at, in_words(row.kind), row.message, row.kind == "alarm", "incident", row.id)


def _audit(row: Audit) -> Entry:
    text = f"block {row.block_number}: {row.differences or 'no'} differences in {row.views_checked:,} views"
    return Entry(row.finished_at, "audit", text, bool(row.differences), "audit", row.id)


def _request(row: OperatorRequest) -> Iterator[Entry]:
    """That it was made, and what came of it once something did."""
    what = f"{row.kind} {row.argument}".strip()
    asked = f"{row.requested_by} asked for {what}: {row.reason}"
    yield Entry(row.requested_at, "request", asked, grave=False, model="operatorrequest", row=row.id)
    if row.done_at is not None:
        done = f"{what} {'failed' if row.failed else 'done'}: {row.outcome}"
        yield Entry(row.done_at, "request", done, row.failed, "operatorrequest", row.id)
