"""How far the indexer has come, and what is wrong with its data."""

from typing import Final

from django.db.models import F

from indexer.domain.units import block_of, first_id
from indexer.models import Alarm, Checkpoint, OutboxCursor, Reorg
from indexer.models.queries import BLOCK_TIMESTAMP
from indexer.selectors.rows import fetch_rows

RELAY: Final = "relay"
"""The name under which the relay stores its feed cursor."""


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
    published = OutboxCursor.objects.filter(consumer=RELAY).values_list("event_id", flat=True).first() or 0
    return max(0, indexed - block_of(published))
