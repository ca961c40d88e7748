"""The ids of feed items: the id of the row that an item is made of, moved where no log names the item.

A block's ids are `block_number << 23 | log_index`. A death or a claim of rewards has no log of its own; its id lies in
the upper half of its block's ids, after those of all logs (a block of 2²² logs would need more gas than any has).
"""

from hashlib import blake2b
from typing import Final

from indexer.domain.units import LOG_INDEX_BITS, Address, first_id

_DERIVED: Final = 1 << (LOG_INDEX_BITS - 1)
_SURVIVOR_BITS: Final = LOG_INDEX_BITS - 3
_SURVIVOR: Final = _DERIVED | 1 << _SURVIVOR_BITS
_CLAIM: Final = _DERIVED | 1 << (LOG_INDEX_BITS - 2)


def death_id(row_id: int) -> int:
    """The id of a death's item, from the id of its row in `deaths`."""
    return row_id | _DERIVED


def survivor_id(block_number: int, scan_id: int, player: Address) -> int:
    """The id of the item of a player who survived a scan; after all deaths of the block, of which there are fewer than
    2²⁰.

    It is made of scan and player by a hash, so that it is the same wherever and whenever the item is made, though that
    is done for watched players only. Of a million pairs of players one shares an id.
    """
    digest = blake2b(f"{scan_id} {player}".encode(), digest_size=4).digest()
    return first_id(block_number) | _SURVIVOR | int.from_bytes(digest) % (1 << _SURVIVOR_BITS)


def claim_id(row_id: int) -> int:
    """The id of the item of claimed rewards, from the id of its row in `positions`; after all deaths of the block."""
    return row_id | _CLAIM


def last_id(block_number: int) -> int:
    """The largest id that an item of this block can have: the feed cursor at the block's end."""
    return first_id(block_number + 1) - 1
