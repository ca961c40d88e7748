"""Read the values of 32-byte words: 64 hex digits, with `0x` before them where the word is a whole topic.

The values of words are kept: players, levels, sides and rounds come again and again. So a value is made, and its
padding checked, once for many logs; and the same address is the same object, whose hash Python has computed already.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from indexer.domain.units import Address, Hash

MAX_KEPT: Final = 1 << 15
"""Words of a type that are kept; then all are forgotten. Of addresses they take 10 MB."""
_ADDRESS_PADDING: Final = "0" * 24


class Words(dict[str, Any]):
    """The values of words by their text: `words[word]` reads it if it is not known yet.

    Raises ValueError for what is no word, or has no clean padding.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, word: str) -> Any:
        if len(word) not in (64, 66):
            raise ValueError(f"{word!r} is no word of 32 bytes")
        if len(self) == MAX_KEPT:
            self.clear()
        value = self[word] = self._read(word[-64:])
        return value


def _address(digits: str) -> Address:
    if not digits.startswith(_ADDRESS_PADDING):
        raise ValueError(f"{digits} is no address")
    return Address("0x" + digits[24:])


def _bytes32(digits: str) -> Hash:
    return Hash("0x" + digits)


def _bool(digits: str) -> bool:
    return bool(_number(digits, 1))


def _reader_of_uint(bits: int) -> Callable[[str], int]:
    return lambda digits: _number(digits, (1 << bits) - 1)


def _number(digits: str, largest: int) -> int:
    number = int(digits, 16)
    if not 0 <= number <= largest:
        raise ValueError(f"{digits} is not a number from 0 to {largest}")
    return number


WORDS: Final[Mapping[str, Words]] = {
    "address": Words(_address),
    "bytes32": Words(_bytes32),
    "bool": Words(_bool),
    **{f"uint{bits}": Words(_reader_of_uint(bits)) for bits in (8, 16, 64, 256)},
}
"""The words of each ABI type."""
