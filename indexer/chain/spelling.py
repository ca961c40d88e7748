"""One spelling for what nodes spell differently: hex in lower case, quantities in hex.

Hashes and addresses are compared as text everywhere else. So the text of an answer is mended before it is parsed, and
only where it needs it: looking for capitals costs a small part of what parsing does.
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
"""A bloom that is another number than a whole one: it says nothing."""
_DIGITS: Final = {b"logsBloom": 512}
"""So many digits in hex a field always has."""


def parsed(raw: bytes | str, decoder: msgspec.json.Decoder[T]) -> T:
    """What a JSON text says, in our spelling. Raises msgspec.DecodeError, and its ValidationError for other types."""
    raw = with_lower_case(raw.encode() if isinstance(raw, str) else raw)
    try:
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError:
            return decoder.decode(_mended(raw))
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def _mended(raw: bytes) -> bytes:
    """A JSON text whose quantities and blooms are of the types that are read, where that can be."""
    return _NO_BLOOM.sub(b'"logsBloom":null', with_hex_quantities(raw))


def with_lower_case(raw: bytes) -> bytes:
    """A JSON text in which all hex strings are in lower case; the same text where they are already."""
    return _HEX.sub(lambda found: found[0].lower(), raw) if _has_capitals(raw) else raw


def with_hex_quantities(raw: bytes) -> bytes:
    """A JSON text in which the quantities and blooms that we read, where they are integers, are strings in hex."""
    return _INTEGER.sub(lambda found: b'"%b":"0x%0*x"' % (found[1], _DIGITS.get(found[1], 1), int(found[2])), raw)


def _has_capitals(raw: bytes) -> bool:
    """Whether a capital that may be a hex digit stands anywhere but in the name of a field."""
    for capital in _CAPITALS:
        at = raw.find(capital)
        while at >= 0:
            end = raw.find(b'"', at)
            if end < 0 or raw[end + 1 : end + 2] != b":":
                return True
            at = raw.find(capital, end)
    return False
