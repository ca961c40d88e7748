"""The indexer's progress, and the alarms about its data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F

from indexer.domain.units import block_of, first_id
from indexer.models import Alarm, Checkpoint, OutboxCursor, Reorg
from indexer.models.queries import BLOCK_TIMESTAMP, LAST_PAUSE_OR_RESUME
from indexer.selectors.rows import fetch_rows

SILENT_SECONDS: Final = 10
"""Seconds after the last heartbeat from which an indexer counts as stalled; it stores one every two seconds. One of
the future, which the server's clock wrote before it was set back, is as old: the next would have replaced it."""
_PULSE: Final = f"""
    SELECT greatest(checkpoints.chain_head, heartbeats.chain_head), seen_at,
    seen_at IS NULL OR abs(extract(epoch FROM clock_timestamp() - seen_at)) > {SILENT_SECONDS}
    OR EXISTS (SELECT FROM alarms WHERE kind IN ('halted', 'node_behind'))
    OR EXISTS (SELECT FROM ({LAST_PAUSE_OR_RESUME}) AS last WHERE kind = 'pause'),
    extract(epoch FROM clock_timestamp() - seen_at)::bigint, extract(epoch FROM clock_timestamp() - indexed_at)::bigint
    FROM checkpoints LEFT JOIN heartbeats USING (chain_id)
"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether the indexer is at work: the last known height of the node's head, and the last heartbeat (None: never).

    It has `stalled` if it is dead, paused or halted, or waits for a node that is behind. The seconds since the last
    heartbeat and the last commit are by the server's clock, which wrote both: that of this machine may be another.
    """

    chain_head: int
    seen_at: datetime | None
    stalled: bool
    seconds_since_seen: int | None
    seconds_since_commit: int


def pulse() -> Pulse:
    """Whether the indexer is at work, however long ago it last committed; once it has a checkpoint."""
    return Pulse(*fetch_rows(_PULSE)[0])


def checkpoint() -> Checkpoint | None:
    """The last applied block; None before anything is indexed."""
    return Checkpoint.objects.filter(block_number__gte=F("start_block")).first()


def standing_alarms() -> list[Alarm]:
    """The alarms that are not over, the oldest first: while there are any, the data are not to be relied on."""
    return list(Alarm.objects.order_by("raised_at"))


def last_reorg() -> Reorg | None:
    """The newest reorg."""
    return Reorg.objects.order_by("-id").first()


def contracts() -> dict[str, str]:
    """The indexed contracts' addresses by their names."""
    found: dict[str, str] = Checkpoint.objects.values_list("contracts", flat=True).get()
    return found


def block_timestamp(number: int) -> int:
    """The time of an indexed block in unix seconds, as exact as BLOCK_TIMESTAMP has it."""
    rows = fetch_rows(BLOCK_TIMESTAMP, {"number": number, "end": first_id(number + 1)})
    return int(rows[0][0]) if rows else 0


def relay_lag() -> int:
    """Indexed blocks that the relay has not published yet; all of them before it has published anything."""
    indexed = Checkpoint.objects.values_list("block_number", flat=True).first() or 0
    published = OutboxCursor.objects.filter(consumer=OutboxCursor.RELAY).values_list("event_id", flat=True).first() or 0
    return max(0, indexed - block_of(published))
