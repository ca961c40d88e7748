"""How a fetched block links to the last applied one, decided by hashes, never by height alone: a pure function.

Its inputs are the tip and a block's number, hash and parent hash. What is done with the block, and the tip after it:

| number | hash, parent | linkage | what is done | the tip then |
|---|---|---|---|---|
| tip + 1 | the tip's child, or no tip yet | NEXT | apply the block | the block |
| tip + 1 | the child of another block | REORG | find the divergence, roll back, fetch again | the ancestor |
| tip | the tip's hash, or no tip yet | DUPLICATE | nothing | unchanged |
| tip | another hash | REORG | find the divergence, roll back, fetch again | the ancestor |
| below | any | BEHIND | compare with the stored headers; roll back only if one differs | unchanged, or the ancestor |
| above tip + 1 | any | GAP | fetch again from the tip on | unchanged |

At start-up nothing is known about the node's chain: that is the BEHIND case.
"""

from enum import StrEnum
from typing import NamedTuple

from indexer.domain.units import Hash


class Tip(NamedTuple):
    """The last applied block; before the first one its hash is unknown."""

    number: int
    hash: Hash | None


class Linkage(StrEnum):
    """The relation of a fetched block to the tip. The cases are exhaustive:

    - NEXT: one above the tip and its child.
    - DUPLICATE: the tip itself, once more.
    - BEHIND: below the tip; only the stored header of that height decides whether it is the same block.
    - GAP: more than one above the tip.
    - REORG: the tip's height with another hash, or one above the tip with another parent.
    """

    NEXT = "next"
    DUPLICATE = "duplicate"
    BEHIND = "behind"
    GAP = "gap"
    REORG = "reorg"


def reconcile(tip: Tip, number: int, block_hash: str | None, parent_hash: str) -> Linkage:
    """The linkage of a block with this number, hash and parent hash to the tip."""
    if number > tip.number + 1:
        return Linkage.GAP
    if number == tip.number + 1:
        return Linkage.NEXT if tip.hash is None or parent_hash == tip.hash else Linkage.REORG
    if number == tip.number:
        return Linkage.DUPLICATE if tip.hash is None or block_hash == tip.hash else Linkage.REORG
    return Linkage.BEHIND
