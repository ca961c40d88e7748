"""The runbook: the sections of `docs/operations.md` about alerts, for operators who have no copy of the project."""

import re
from functools import cache
from typing import Final

from django.utils.html import escape
from django.utils.safestring import mark_safe

from ghostnet.environment import PROJECT
from ghostnet.pages.service_state import ServiceState, State

_OPERATIONS: Final = PROJECT / "docs" / "operations.md"
_BY_STATE: Final = {
    State.PAUSED: "IndexerPaused",
    State.SILENT: "IndexerStalled",
    State.BEHIND: "BlockLag",
}
_BY_ALARM: Final = {"audit": "AuditDifferences", "undecoded": "UndecodedLogs"}


@cache
def runbook() -> dict[str, list[str]]:
    """The sections' paragraphs, as HTML, by the names of the alerts; none where the documents were not installed."""
    if not _OPERATIONS.exists():
        return {}
    parts = re.split(r"^(#{2,3}) (.+)\n", _OPERATIONS.read_text(), flags=re.MULTILINE)
    sections = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {title: _paragraphs(text) for mark, title, text in sections if mark == "###" and re.fullmatch(r"\w+", title)}


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, and each alarm's lines as one; what stands in backticks is code, in stars a name."""
    found = re.split(r"\n\s*\n|\n(?=`\w+`:)", text.strip())
    return [mark_safe(_marked(escape(" ".join(one.split())))) for one in found]  # noqa: S308 - escaped


def _marked(text: str) -> str:
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", re.sub("`([^`]+)`", r"<code>\1</code>", text))


def runbooks_of(verdict: ServiceState) -> list[str]:
    """The sections of the runbook for a state."""
    if verdict.state is State.ALARM:
        return list(dict.fromkeys(_BY_ALARM.get(alarm.kind, "IndexerAlarm") for alarm in verdict.alarms))
    return [_BY_STATE[verdict.state]] if verdict.state in _BY_STATE else []
