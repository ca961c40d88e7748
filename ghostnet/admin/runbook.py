"""The runbook: the sections of `docs/operations.md` about alerts, for operators who have no copy of the project."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from ghostnet.environment import PROJECT
from ghostnet.pages.service_state import State
from ghostnet.pages.templatetags.game import marked

_OPERATIONS: Final = PROJECT / "docs" / "operations.md"
_BY_STATE: Final = {
    State.PAUSED: "IndexerPaused",
    State.BEHIND: "BlockLag",
}
_BY_ALARM: Final = {"audit": "AuditDifferences", "undecoded": "UndecodedLogs"}
_OTHER_ALARMS: Final = "IndexerAlarm"
"""The section of all other alarms, which has a paragraph for each kind."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do: paragraphs as HTML, and the section of the runbook that they are from."""

    section: str
    paragraphs: list[str]


@cache
def runbook() -> dict[str, list[str]]:
    """The sections' paragraphs, as HTML, by the names of the alerts; none where the documents were not installed."""
    if not _OPERATIONS.exists():
        return {}
    parts = re.split(r"^(#{2,3}) (.+)\n", _OPERATIONS.read_text(), flags=re.MULTILINE)
    sections = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {title: _paragraphs(text) for mark, title, text in sections if mark == "###" and re.fullmatch(r"\w+", title)}


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, and each alarm's lines as one."""
    found = re.split(r"\n\s*\n|\n(?=`\w+`:)", text.strip())
    return [marked(" ".join(one.split())) for one in found]


def advice_on_alarm(kind: str) -> Advice:
    """What to do about an alarm of a kind."""
    section = _BY_ALARM.get(kind, _OTHER_ALARMS)
    own = [text for text in _of(section).paragraphs if text.startswith(f"<code>{kind}</code>:")]
    return Advice(section, own) if own else _of(section)


def advice_on_state(state: State, *, stalled: bool) -> Advice | None:
    """What to do about a state without alarms, `stalled` if no indexer is at work; None if there is nothing to do."""
    if state is State.SILENT:
        return _of("IndexerDown" if stalled else "IndexerStalled")
    return _of(_BY_STATE[state]) if state in _BY_STATE else None


def _of(section: str) -> Advice:
    return Advice(section, runbook().get(section, []))
