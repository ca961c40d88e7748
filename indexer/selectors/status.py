"""How far the indexer has come."""

from indexer.domain.units import first_id
from indexer.models import BlockHeader, ChainBlock, Checkpoint, Reorg


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
