"""Signs that an answer lacks logs: the bloom of its block's header, and a count at which nodes cut lists."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from eth_hash.auto import keccak

from indexer.chain.wire import WireLog
from indexer.decode.decoder import decoders_of

BLOOM_BITS: Final = 2048
_BLOOM: Final = re.compile(f"0x[0-9a-f]{{{BLOOM_BITS // 4}}}")
MOST_SET: Final = BLOOM_BITS // 4
"""Bits up to which a bloom is looked at: a fuller one, as of a block with a hundred logs, names too much by chance."""
ROUND: Final = 1_000
"""Nodes that cut lists in silence cut them at multiples of this, or at a power of two."""

_address = attrgetter("address")


class BloomWitness:
    """Compares logs with what their block's bloom says; `contracts` maps names to addresses."""

    def __init__(self, contracts: Mapping[str, str]) -> None:
        self._masks = {
            address: (bloom_of(address), [bloom_of(topic0) for topic0 in decoders_of(name)])
            for name, address in contracts.items()
        }

    def missing(self, logs_bloom: str, logs: Sequence[WireLog]) -> list[str]:
        """The contracts of which a block has logs by its bloom, with a topic of theirs, but none among these.

        A bloom may name a contract by chance. One that lacks a log's own address is made up, and names none; so does
        one that is empty or too full, or no bloom.
        """
        if not _BLOOM.fullmatch(logs_bloom):
            return []
        bloom = int(logs_bloom, 16)
        if bloom.bit_count() > MOST_SET:
            return []
        given = set(map(_address, logs))
        if any(not _holds(bloom, bloom_of(address)) for address in given):
            return []
        return [
            address
            for address, (mask, topics) in self._masks.items()
            if address not in given and _holds(bloom, mask) and any(_holds(bloom, topic) for topic in topics)
        ]


@lru_cache(maxsize=4096)
def bloom_of(digits: str) -> int:
    """The bits that an address or a topic (`0x` and hex digits) sets in a bloom."""
    digest, bits = keccak(bytes.fromhex(digits[2:])), 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[place : place + 2]) % BLOOM_BITS)
    return bits


def is_round(count: int) -> bool:
    """Whether a list of so many logs may have been cut."""
    return count >= ROUND and (count % ROUND == 0 or count.bit_count() == 1)


def _holds(bloom: int, mask: int) -> bool:
    return bloom & mask == mask
