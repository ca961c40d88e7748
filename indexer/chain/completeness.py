"""Detect missing logs: by the bloom of the block's header, and by list lengths at which nodes truncate."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from eth_hash.auto import keccak

from indexer.chain.rpc_types import WireLog
from indexer.decode.decoder import decoders_of

BLOOM_BITS: Final = 2048
_BLOOM: Final = re.compile(f"0x[0-9a-f]{{{BLOOM_BITS // 4}}}")
MAX_BLOOM_BITS_SET: Final = BLOOM_BITS // 4
"""Bits up to which a bloom is evaluated; a fuller one, of a block with a hundred logs, has too many false positives."""
TRUNCATION_MULTIPLE: Final = 1_000
"""Nodes that truncate lists without an error do so at multiples of this, or at a power of two."""

REPEATED_LENGTH: Final = 50
"""Logs from which on two lists of the same length are suspected."""
LEAST_LIMIT: Final = 5
"""Logs to which no node truncates less: of a list that is even shorter, logs are missing for another reason."""

_address = attrgetter("address")


class BloomCheck:
    """Compares logs with their block's bloom; `contracts` maps names to addresses."""

    def __init__(self, contracts: Mapping[str, str]) -> None:
        self._masks = {
            address: (bloom_of(address), [bloom_of(topic0) for topic0 in decoders_of(name)])
            for name, address in contracts.items()
        }

    def missing(self, logs_bloom: str, logs: Sequence[WireLog]) -> list[str]:
        """The contracts whose address and at least one topic are in the bloom, but which have no log among `logs`.

        False positives are possible. A bloom that lacks the address of one of the logs is invalid and ignored, and so
        is one that is malformed, empty or too full.
        """
        if not _BLOOM.fullmatch(logs_bloom):
            return []
        bloom = int(logs_bloom, 16)
        if bloom.bit_count() > MAX_BLOOM_BITS_SET:
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


class ListLengths:
    """The lengths of the lists of logs that a node returns for ranges: of which it may have truncated them.

    A length is suspected if it is round, if two ranges have the same one, which is long, or if logs are known to be
    missing in a list of it. Whether it is one at which lists are truncated is shown by asking for the same in parts.
    """

    def __init__(self) -> None:
        self._seen = Counter[int]()
        self._suspected = set[int]()
        self._truncated = set[int]()

    def record(self, count: int) -> None:
        """Note the length of a list; it is suspected when it comes for the second time. A list is not truncated to less
        than another one has."""
        self._truncated = {length for length in self._truncated if length >= count}
        self._seen[count] += count >= REPEATED_LENGTH
        if self._seen[count] == 2:
            self._suspected.add(count)

    def suspect(self, count: int) -> None:
        """Note that logs are missing in a list of this length."""
        self._suspected.add(count)

    def record_parts(self, count: int, in_parts: int) -> None:
        """Note that the same as in a list of `count` logs has so many when it is requested in parts."""
        self._suspected.discard(count)
        if in_parts > count >= LEAST_LIMIT:
            self._truncated.add(count)

    def may_be_truncated(self, count: int) -> bool:
        """Whether a list of this length may have been truncated."""
        is_round = count >= TRUNCATION_MULTIPLE and (count % TRUNCATION_MULTIPLE == 0 or count.bit_count() == 1)
        return is_round or count in self._suspected or count in self._truncated

    def is_limit(self, count: int) -> bool:
        """Whether a longer list was truncated to this length before."""
        return count in self._truncated


def _holds(bloom: int, mask: int) -> bool:
    return bloom & mask == mask
