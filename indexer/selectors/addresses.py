"""Addresses as they go out: EIP-55 checksummed."""

import re
from functools import lru_cache
from typing import Any, Final

from eth_utils.address import to_checksum_address

checksummed = lru_cache(maxsize=100_000)(to_checksum_address)
"""A checksum is a hash; the same few thousand players are named over and over."""

_ADDRESS: Final = re.compile("0x[0-9a-f]{40}")


def shown(value: Any) -> Any:
    """An argument of a stored event as it goes out: an address with its checksum, anything else as it is."""
    return checksummed(value) if isinstance(value, str) and _ADDRESS.fullmatch(value) else value
