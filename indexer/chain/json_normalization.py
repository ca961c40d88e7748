"""Normalize the JSON of nodes, which differ: hex in lower case, quantities in hex.

Hashes and addresses are compared as text everywhere else. JSON is therefore normalized before it is parsed, and only
if it has upper-case hex digits or decimal quantities: the search for these costs a small part of the parsing.
"""

import re
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_CAPITALS: Final = [bytes([letter]) for letter in b"ABCDEFX"]
_HEX: Final = re.compile(rb'"0[xX][0-9a-fA-F]*"')
_INTEGER: Final = re.compile(
    rb'"(blockNumber|blockTimestamp|gasUsed|logIndex|logsBloom|number|result|status|timestamp|transactionIndex)"'
    rb"\s*:\s*(\d{1,617})(?:\.0+)?(?=\s*[,}\]])"
)
"""Integers of up to the 2,048 bits of a bloom."""
_NO_BLOOM: Final = re.compile(rb'"logsBloom"\s*:\s*[-\d][^",}\]]*')
"""A bloom that is a number but no integer; it is dropped."""
_DIGITS: Final = {b"logsBloom": 512}
"""The number of hex digits of fields of fixed width."""


def parsed(raw: bytes | str, decoder: msgspec.json.Decoder[T]) -> T:
    """Parse JSON, normalized. Raises msgspec.DecodeError, or its subclass ValidationError if the types do not match."""
    raw = with_lower_case(raw.encode() if isinstance(raw, str) else raw)
    try:
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError:
            return decoder.decode(_mended(raw))
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def _mended(raw: bytes) -> bytes:
    """A JSON text with quantities and blooms converted to the expected types where possible."""
    return _NO_BLOOM.sub(b'"logsBloom":null', with_hex_quantities(raw))


def with_lower_case(raw: bytes) -> bytes:
    """A JSON text with all hex strings in lower case; the same object if they already are."""
    return _HEX.sub(lambda found: found[0].lower(), raw) if _has_capitals(raw) else raw


def with_hex_quantities(raw: bytes) -> bytes:
    """A JSON text in which integer quantities and blooms, of the fields that are read, are hex strings."""
    return _INTEGER.sub(lambda found: b'"%b":"0x%0*x"' % (found[1], _DIGITS.get(found[1], 1), int(found[2])), raw)


def _has_capitals(raw: bytes) -> bool:
    """Whether a capital letter that may be a hex digit occurs outside of field names."""
    for capital in _CAPITALS:
        at = raw.find(capital)
        while at >= 0:
            end = raw.find(b'"', at)
            if end < 0 or raw[end + 1 : end + 2] != b":":
                return True
            at = raw.find(capital, end)
    return False
