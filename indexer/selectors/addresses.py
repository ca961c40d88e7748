"""EIP-55 checksums of addresses in answers."""

import re
from functools import lru_cache
from typing import Any, Final

from eth_utils.address import to_checksum_address

checksummed = lru_cache(maxsize=100_000)(to_checksum_address)
"""An address (text or bytes) with its checksum. Cached: a checksum costs a hash, and the same few thousand players
appear again and again."""

_ADDRESS: Final = re.compile("0x[0-9a-f]{40}")


def shown(value: Any) -> Any:
    """An event's stored argument as answers show it: an address with its checksum, anything else as it is."""
    return checksummed(value) if isinstance(value, str) and _ADDRESS.fullmatch(value) else value
