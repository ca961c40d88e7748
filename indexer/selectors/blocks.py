"""Blocks and transactions: look one up by number or hash, and list those that concern a player."""

from dataclasses import dataclass
from datetime import datetime

from indexer.domain.positions import Action
from indexer.domain.units import Address, Hash, block_of, first_id
from indexer.models import BlockHeader, Boost, ChainBlock, ChainEvent, ChainTransaction, CurrentBet, Position
from indexer.selectors.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """An indexed block; `events` counts the contracts' logs in it, `timestamp` is in unix seconds.

    Hash and times are None for an old block without an event: neither its row nor its header is stored.
    """

    number: int
    hash: str | None
    time: datetime | None
    timestamp: int | None
    events: int


def block_of_transaction(tx_hash: Hash) -> int | None:
    """The number of the block of a transaction that is stored: for its events, its calldata, or a change without event.

    None for any other transaction.
    """
    for rows in (ChainEvent.objects, ChainTransaction.objects, Position.objects.filter(event_id=None)):
        found = rows.filter(tx_hash=tx_hash).values_list("id", flat=True).first()
        if found is not None:
            return block_of(found)
    return None


def block_with_hash(block_hash: Hash) -> int | None:
    """The number of the block with this hash; None if its header is not stored."""
    return BlockHeader.objects.filter(hash=block_hash).values_list("number", flat=True).first()


def known_block(number: int) -> KnownBlock:
    """The block with this number, which must be indexed."""
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
    """The number of the nearest block with an event after this one or, with `later` false, before it; None for none."""
    if later:
        row = ChainBlock.objects.filter(id__gte=first_id(number + 1)).order_by("id")
    else:
        row = ChainBlock.objects.filter(id__lt=first_id(number)).order_by("-id")
    found = row.values_list("id", flat=True).first()
    return None if found is None else block_of(found)


def transaction_sender(tx_hash: Hash, block: int) -> str | None:
    """The sender of a transaction of a block; None if its calldata is not stored."""
    rows = ChainTransaction.objects.filter(id__gte=first_id(block), id__lt=first_id(block + 1), tx_hash=tx_hash)
    found = rows.first()
    return None if found is None else str(found.sender)


def silent_changes(block: int) -> list[Position]:
    """Changes of positions in a block that left no event (rules 8 and 9), in their order."""
    rows = Position.objects.filter(id__gte=first_id(block), id__lt=first_id(block + 1), event_id=None)
    return list(rows.exclude(action__in=(Action.REWARDS_CLAIMED, Action.TRACED)).order_by("id"))


def blocks_of_player(player: Address, most: int) -> list[int]:
    """The numbers of at most `most` blocks that changed a player's position, boosts or bets, the newest first.

    Of the changes of a bet only the last one counts.
    """
    found: set[int] = set()
    for table in (Position, Boost, CurrentBet):
        rows = table.objects.filter(address=player).order_by("-id").values_list("id", flat=True)
        found |= {block_of(row) for row in rows[:most]}
    return sorted(found, reverse=True)[:most]


def scan_with(scan_id: int) -> tuple[int, int] | None:
    """The level and the id of the scan with this id; None if there is none."""
    rows = fetch_rows("SELECT level, scan_id FROM current_scans WHERE scan_id = %(scan)s", {"scan": scan_id})
    return rows[0] if rows else None
