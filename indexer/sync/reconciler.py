"""Where a fetched block belongs, told by hashes, never by height alone: a pure state machine.

Its state is the tip, its input a block's number, hash and parent hash. What becomes of a block, and of the tip:

| number | hash, parent | place | what is done | the tip then |
|---|---|---|---|---|
| tip + 1 | the tip's child, or no tip yet | NEXT | apply the block | the block |
| tip + 1 | the child of another block | REORG | find the divergence, roll back, fetch again | the ancestor |
| tip | the tip's hash, or no tip yet | DUPLICATE | nothing | as it was |
| tip | another hash | REORG | find the divergence, roll back, fetch again | the ancestor |
| below | any | BEHIND | compare with the stored headers; roll back only if one differs | it, or the ancestor |
| above tip + 1 | any | GAP | fetch again from the tip on | as it was |

At start-up nothing is known about the node's chain: that is the BEHIND case.
"""

from enum import StrEnum
from typing import NamedTuple

from indexer.domain.units import Hash


class Tip(NamedTuple):
    """The last applied block; before the first one its hash is unknown."""

    number: int
    hash: Hash | None


class Place(StrEnum):
    """What a fetched block is to the tip. The cases are exhaustive:

    - NEXT: one above the tip and its child.
    - DUPLICATE: the tip itself, once more.
    - BEHIND: below the tip; whether it is ours, only the stored header of its height tells.
    - GAP: more than one above the tip.
    - REORG: the tip's height with another hash, or one above the tip with another parent.
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
