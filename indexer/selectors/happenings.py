"""Blocks and transactions: what is known of them, and where a hash leads."""

from dataclasses import dataclass
from datetime import datetime

from indexer.domain.positions import Action
from indexer.domain.units import Address, Hash, block_of, first_id
from indexer.models import BlockHeader, Boost, ChainBlock, ChainEvent, ChainTransaction, CurrentBet, Position
from indexer.selectors.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """An indexed block: its hash and time, None for those of old blocks without anything of ours; `events` counts the
    logs of the contracts."""

    number: int
    hash: str | None
    time: datetime | None
    timestamp: int | None
    events: int


def block_of_transaction(tx_hash: Hash) -> int | None:
    """The block of a transaction in which the contracts did something, if only without an event, or whose calldata the
    rules read."""
    for rows in (ChainEvent.objects, ChainTransaction.objects, Position.objects.filter(event_id=None)):
        found = rows.filter(tx_hash=tx_hash).values_list("id", flat=True).first()
        if found is not None:
            return block_of(found)
    return None


def block_with_hash(block_hash: Hash) -> int | None:
    """The number of a recent block, by its hash."""
    return BlockHeader.objects.filter(hash=block_hash).values_list("number", flat=True).first()


def known_block(number: int) -> KnownBlock:
    """What is known of an indexed block."""
    ids = {"id__gte": first_id(number), "id__lt": first_id(number + 1)}
    events = ChainEvent.objects.filter(**ids).count()
    row = ChainBlock.objects.filter(**ids).first()
    if row is not None:
        return KnownBlock(number, row.hash, row.block_time, int(row.timestamp), events)
    header = BlockHeader.objects.filter(number=number).first()
    if header is not None:
        return KnownBlock(number, header.hash, None, int(header.timestamp), events)
    return KnownBlock(number, None, None, None, events)


def block_beside(number: int, *, later: bool) -> int | None:
    """The next block, or the last one before, in which the contracts did something."""
    if later:
        row = ChainBlock.objects.filter(id__gte=first_id(number + 1)).order_by("id")
    else:
        row = ChainBlock.objects.filter(id__lt=first_id(number)).order_by("-id")
    found = row.values_list("id", flat=True).first()
    return None if found is None else block_of(found)


def transaction_sender(tx_hash: Hash, block: int) -> str | None:
    """Who sent a transaction, where its calldata was kept."""
    rows = ChainTransaction.objects.filter(id__gte=first_id(block), id__lt=first_id(block + 1), tx_hash=tx_hash)
    found = rows.first()
    return None if found is None else str(found.sender)


def silent_changes(block: int) -> list[Position]:
    """Changes of positions in a block that left no event (rules 8 and 9), in their order."""
    rows = Position.objects.filter(id__gte=first_id(block), id__lt=first_id(block + 1), event_id=None)
    return list(rows.exclude(action__in=(Action.REWARDS_CLAIMED, Action.TRACED)).order_by("id"))


def blocks_of_player(player: Address, most: int) -> list[int]:
    """The last `most` blocks in which something happened to a player: to the position, by a boost, the last
    of the bet in a round."""
    found: set[int] = set()
    for table in (Position, Boost, CurrentBet):
        rows = table.objects.filter(address=player).order_by("-id").values_list("id", flat=True)
        found |= {block_of(row) for row in rows[:most]}
    return sorted(found, reverse=True)[:most]


def scan_with(scan_id: int) -> tuple[int, int] | None:
    """The level and the number of a scan."""
    rows = fetch_rows("SELECT level, scan_id FROM current_scans WHERE scan_id = %(scan)s", {"scan": scan_id})
    return rows[0] if rows else None
