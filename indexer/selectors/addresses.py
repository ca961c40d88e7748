"""EIP-55 checksums of addresses in answers."""

import re
from functools import lru_cache
from typing import Any, Final

from eth_hash.auto import keccak

_ADDRESS: Final = re.compile("0x[0-9a-f]{40}")


@lru_cache(maxsize=100_000)
def checksummed(address: str | bytes) -> str:
    """An address (text with 0x, or bytes) with its checksum: a letter is upper case where the digit at its place in the
    digits' hash is above 7. Cached: the same few thousand players appear again and again."""
    digits = address.hex() if isinstance(address, bytes) else address[2:].lower()
    places = zip(digits, keccak(digits.encode()).hex(), strict=False)
    return "0x" + "".join(digit.upper() if place > "7" else digit for digit, place in places)


def shown(value: Any) -> Any:
    """An event's stored argument as answers show it: addresses with their checksums, anything else as it is."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    return checksummed(value) if isinstance(value, str) and _ADDRESS.fullmatch(value) else value
