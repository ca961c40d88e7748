"""Read the values of 32-byte words: 64 hex digits, with `0x` before them where the word is a whole topic.

The values of words are kept: players, levels, sides and rounds come again and again. So a value is made, and its
padding checked, once for many logs; and the same address is the same object, whose hash Python has computed already.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from indexer.domain.units import Address

MAX_KEPT: Final = 1 << 15
"""Words of a type that are kept; then all are forgotten. Of addresses they take 10 MB."""
WORD: Final = 64
"""Hex digits of a word."""
_WORD_IN_HEX: Final = re.compile(f"(0x)?[0-9a-f]{{{WORD}}}")
_ADDRESS_PADDING: Final = "0" * 24


class Words(dict[str, Any]):
    """The values of words by their text: `words[word]` reads it if it is not known yet.

    Raises ValueError for what is no word, or has no clean padding.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, word: str) -> Any:
        if _WORD_IN_HEX.fullmatch(word) is None:
            raise ValueError(f"{word!r} is no word of 32 bytes")
        if len(self) == MAX_KEPT:
            self.clear()
        value = self[word] = self._read(word[-WORD:])
        return value


def _address(digits: str) -> Address:
    if not digits.startswith(_ADDRESS_PADDING):
        raise ValueError(f"{digits} is no address")
    return Address("0x" + digits[24:])


def _bool(digits: str) -> bool:
    return bool(_number(digits, 0, 1))


def _reader_of_bytes(size: int) -> Callable[[str], str]:
    def read(digits: str) -> str:
        if digits[2 * size :].strip("0"):
            raise ValueError(f"{digits} is not {size} bytes")
        return "0x" + digits[: 2 * size]

    return read


def _reader_of_uint(bits: int) -> Callable[[str], int]:
    return lambda digits: _number(digits, 0, (1 << bits) - 1)


def _reader_of_int(bits: int) -> Callable[[str], int]:
    limit = 1 << (bits - 1)

    def read(digits: str) -> int:
        unsigned = _number(digits, 0, (1 << 256) - 1)
        return _in_range(unsigned - (unsigned >> 255 << 256), -limit, limit - 1, digits)

    return read


def _number(digits: str, least: int, largest: int) -> int:
    return _in_range(int(digits, 16), least, largest, digits)


def _in_range(number: int, least: int, largest: int, digits: str) -> int:
    if not least <= number <= largest:
        raise ValueError(f"{digits} is not a number from {least} to {largest}")
    return number


WORDS: Final[Mapping[str, Words]] = {
    "address": Words(_address),
    "bool": Words(_bool),
    **{f"bytes{size}": Words(_reader_of_bytes(size)) for size in range(1, 33)},
    **{f"uint{bits}": Words(_reader_of_uint(bits)) for bits in range(8, 257, 8)},
    **{f"int{bits}": Words(_reader_of_int(bits)) for bits in range(8, 257, 8)},
}
"""The words of each ABI type whose values are one word."""
