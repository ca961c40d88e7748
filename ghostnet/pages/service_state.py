"""The state of the service and its data, in one line: the same for spectators and operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils import timezone

from ghostnet.pages.times import ago, span
from ghostnet.pages.wording import in_words
from indexer.models import Alarm, Checkpoint, OperatorRequest
from indexer.selectors import operations, status

LONG_SILENCE: Final = 60
"""Seconds without a commit after which the chain is assumed to have stopped: it has a block each second."""
FEW_BLOCKS: Final = 5
"""Blocks that may be missing without a warning: the node's head is stored every two seconds."""


class State(StrEnum):
    """The reliability of the data, the worst first."""

    ALARM = "alarm"
    PAUSED = "paused"
    SILENT = "silent"
    BEHIND = "behind"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The state, and the line that describes it; `alarms` are those that stand, `pause` is the request of the pause."""

    state: State
    text: str
    alarms: Sequence[Alarm] = ()
    pause: OperatorRequest | None = None


def service_state() -> ServiceState:
    """The current state, read in the snapshot of the page that shows it."""
    checkpoint = status.checkpoint()
    if checkpoint is None:
        return ServiceState(State.SILENT, "nothing is indexed yet")
    alarms, pause = status.standing_alarms(), operations.pause()
    if alarms:
        kinds = ", ".join(words_of(alarm.kind) for alarm in alarms)
        return ServiceState(State.ALARM, f"alarm: {kinds}", alarms, pause)
    if pause is not None:
        since = f" {ago(_seconds_since(pause.done_at))}" if pause.done_at else ""
        return ServiceState(State.PAUSED, f"paused by {pause.requested_by}{since}: {pause.reason}", pause=pause)
    return _progress(checkpoint)


def _progress(checkpoint: Checkpoint) -> ServiceState:
    """Whether an indexer is at work, and has reached the node's head."""
    pulse = status.pulse()
    if pulse.stalled:
        silent = pulse.seconds_since_seen
        seen = "never seen" if silent is None else f"silent for {span(silent)}"
        return ServiceState(State.SILENT, f"{seen}: the indexer is not at work")
    behind = max(0, pulse.chain_head - checkpoint.block_number)
    if behind > FEW_BLOCKS:
        return ServiceState(State.BEHIND, f"behind by {behind:,} blocks")
    quiet = pulse.seconds_since_commit
    if quiet >= LONG_SILENCE:
        return ServiceState(State.SILENT, f"silent for {span(quiet)}: the chain has no new block")
    return ServiceState(State.LIVE, "live")


_ALARMS: Final = {
    "deep_reorg": "a deep reorg",
    "left_out": "logs were left out, and are indexed anew",
    "node_behind": "the node is behind",
    "halted": "the indexer has halted",
    "audit": "the last audit found differences",
    "undecoded": "logs could not be decoded",
}


def words_of(kind: str) -> str:
    """An alarm's kind in words."""
    return _ALARMS.get(kind, in_words(kind))


def _seconds_since(time: datetime | None) -> float:
    return 0.0 if time is None else (timezone.now() - time).total_seconds()
