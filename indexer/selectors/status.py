"""How far the indexer has come, and what troubles it."""

from typing import Final

from django.db.models import F

from indexer.domain.units import block_of, first_id
from indexer.models import Alarm, BlockHeader, ChainBlock, Checkpoint, OutboxCursor, Reorg

RELAY: Final = "relay"
"""The name under which the relay stores its cursor."""


def checkpoint() -> Checkpoint | None:
    """The last applied block; None before anything is indexed."""
    return Checkpoint.objects.filter(block_number__gte=F("start_block")).first()


def standing_alarms() -> list[Alarm]:
    """What keeps the data from being served as ready."""
    return list(Alarm.objects.order_by("raised_at"))


def last_reorg() -> Reorg | None:
    """The newest reorg."""
    return Reorg.objects.order_by("-id").first()


def contracts() -> dict[str, str]:
    """The indexed contracts' addresses by their names."""
    found: dict[str, str] = Checkpoint.objects.values_list("contracts", flat=True).get()
    return found


def block_timestamp(number: int) -> int:
    """An indexed block's time in unix seconds; of an empty one whose header is forgotten, that of the last before it
    that was not empty."""
    header = BlockHeader.objects.filter(number=number).values_list("timestamp", flat=True).first()
    if header is None:
        blocks = ChainBlock.objects.filter(id__lt=first_id(number + 1)).order_by("-id")
        header = blocks.values_list("timestamp", flat=True).first()
    return int(header or 0)


def relay_lag() -> int:
    """Indexed blocks that the relay has not published yet; all of them before it has published anything."""
    indexed = Checkpoint.objects.values_list("block_number", flat=True).first() or 0
    told = OutboxCursor.objects.filter(consumer=RELAY).values_list("event_id", flat=True).first() or 0
    return max(0, indexed - block_of(told))
