"""Blocks and transactions: look one up by number or hash, and list those that concern a player."""

from dataclasses import dataclass

from indexer.domain.positions import Action
from indexer.domain.units import Address, Hash, block_of, first_id
from indexer.models import BlockHeader, Boost, ChainBlock, ChainEvent, ChainTransaction, CurrentBet, Position
from indexer.selectors.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class BlockEvents:
    """An indexed block, and the events of the contracts in it, in order; hash and time (unix seconds) are None for an
    old block without events of the contracts."""

    block: int
    hash: str | None
    timestamp: int | None
    events: list[ChainEvent]


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


def events_in(block: int) -> BlockEvents:
    """What is known of an indexed block."""
    header = ChainBlock.objects.filter(id=first_id(block)).first() or BlockHeader.objects.filter(number=block).first()
    rows = ChainEvent.objects.filter(id__gte=first_id(block), id__lt=first_id(block + 1)).order_by("id")
    if header is None:
        return BlockEvents(block, None, None, list(rows))
    return BlockEvents(block, str(header.hash), int(header.timestamp), list(rows))


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


def blocks_of_player(player: Address, limit: int) -> list[int]:
    """The numbers of at most `limit` blocks that changed a player's position, boosts or bets, the newest first.

    Of the changes of a bet only the last one counts.
    """
    found: set[int] = set()
    for table in (Position, Boost, CurrentBet):
        rows = table.objects.filter(address=player).order_by("-id").values_list("id", flat=True)
        found |= {block_of(row) for row in rows[:limit]}
    return sorted(found, reverse=True)[:limit]


def scan_with(scan_id: int) -> tuple[int, int] | None:
    """The level and the id of the scan with this id; None if there is none."""
    rows = fetch_rows("SELECT level, scan_id FROM current_scans WHERE scan_id = %(scan)s", {"scan": scan_id})
    return rows[0] if rows else None
