"""Where a fetched block belongs, told by hashes, never by height alone."""

from enum import StrEnum
from typing import NamedTuple


class Tip(NamedTuple):
    """The last applied block; before the first one its hash is unknown."""

    number: int
    hash: str | None


class Place(StrEnum):
    """What a fetched block is to the tip. The cases are exhaustive:

    - NEXT: one above the tip and its child. Apply it.
    - DUPLICATE: the tip itself, once more. Skip it.
    - BEHIND: below the tip; whether it is ours, only the stored header of its height tells. Look for the ancestor.
    - GAP: more than one above the tip. Fetch again from the tip on.
    - REORG: the tip's height with another hash, or one above the tip with another parent. Look for the ancestor.
    """

    NEXT = "next"
    DUPLICATE = "duplicate"
    BEHIND = "behind"
    GAP = "gap"
    REORG = "reorg"


def reconcile(tip: Tip, number: int, block_hash: str, parent_hash: str) -> Place:
    """Place a block relative to the tip."""
    if number > tip.number + 1:
        return Place.GAP
    if number == tip.number + 1:
        return Place.NEXT if tip.hash is None or parent_hash == tip.hash else Place.REORG
    if number == tip.number:
        return Place.DUPLICATE if tip.hash is None or block_hash == tip.hash else Place.REORG
    return Place.BEHIND
