"""The types of events' arguments: how a value is read from a log's data, and kept as JSON.

Data are accepted as Solidity encodes them, and not otherwise: clean padding, the values of dynamic types one after the
other in the order of their offsets, nothing behind them. So each digit is read once, whatever lengths a log claims.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from indexer.decode.words import WORD, WORDS

_ARRAY: Final = re.compile(r"(.*)\[([0-9]*)\]")
_NUMBER: Final = re.compile(r"u?int([0-9]+)")
_EXACT_IN_JSON: Final = 32
"""Bits of a number up to which it is a number in JSON; larger ones are strings: readers would round them."""


class UnknownType(Exception):
    """A type that no value can be read of."""


class AbiType(NamedTuple):
    """A type: its canonical `name`, as signatures have it, and its `size` in words, None for a dynamic one.

    `read` makes the value that begins at a place of hex digits, and returns it with the place behind it; it raises
    ValueError. Numbers are int, bool is bool; addresses and bytes are hex with `0x`; arrays and structs are tuples. A
    string is text, or hex where its bytes are no text that a database can keep. `to_json` makes what the value is in
    a JSON document, `from_json` is its inverse.
    """

    name: str
    size: int | None
    read: Callable[[str, int], tuple[Any, int]]
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]

    @property
    def is_word(self) -> bool:
        """Whether its values are one word each, read by WORDS."""
        return self.name in WORDS


def abi_type(name: str, components: Sequence[Mapping[str, Any]] = ()) -> AbiType:
    """The type of an ABI's argument; `components` are those of `tuple`. Raises UnknownType."""
    if array := _ARRAY.fullmatch(name):
        return _array(abi_type(array[1], components), array[2])
    if name == "tuple" and components:
        return _struct([abi_type(part["type"], part.get("components", ())) for part in components])
    if name in WORDS:
        return _word(name)
    if name in ("bytes", "string"):
        return AbiType(name, None, _read_bytes if name == "bytes" else _read_string, _same, _same)
    raise UnknownType(name)


def reader_of(types: Sequence[AbiType]) -> Callable[[str], list[Any]]:
    """A function that reads values of these types from a log's data (hex with `0x`); it raises ValueError."""

    def read(data: str) -> list[Any]:
        values, end = _read_sequence(types, data, 2)
        if end != len(data):
            raise ValueError(f"{len(data) - end} more digits than the values take")
        return values

    return read


def is_text_in_json(name: str) -> bool:
    """Whether values of a one-word type are strings in JSON."""
    number = _NUMBER.fullmatch(name)
    return int(number[1]) > _EXACT_IN_JSON if number else name != "bool"


def _same(value: Any) -> Any:
    return value


def _word(name: str) -> AbiType:
    words = WORDS[name]

    def read(digits: str, at: int) -> tuple[Any, int]:
        return words[digits[at : at + WORD]], at + WORD

    is_number = _NUMBER.fullmatch(name) is not None
    return AbiType(name, 1, read, str if is_text_in_json(name) else _same, int if is_number else _same)


def _array(item: AbiType, length: str) -> AbiType:
    """The type of an array of `length` items; of any number of them if it is empty."""
    if length and not int(length):
        raise UnknownType(f"{item.name}[{length}]")

    def read_fixed(digits: str, at: int) -> tuple[Any, int]:
        values, end = _read_sequence([item] * int(length), digits, at)
        return tuple(values), end

    def read_dynamic(digits: str, at: int) -> tuple[Any, int]:
        count, at = _length(digits, at, WORD)
        values, end = _read_sequence([item] * count, digits, at)
        return tuple(values), end

    return AbiType(
        f"{item.name}[{length}]",
        item.size * int(length) if item.size and length else None,
        read_fixed if length else read_dynamic,
        lambda values: [item.to_json(value) for value in values],
        lambda values: tuple(item.from_json(value) for value in values),
    )


def _struct(items: Sequence[AbiType]) -> AbiType:
    """The type of a struct: in events a tuple of its members' values, in JSON a list."""

    def read(digits: str, at: int) -> tuple[Any, int]:
        values, end = _read_sequence(items, digits, at)
        return tuple(values), end

    sizes = [item.size for item in items if item.size]
    return AbiType(
        f"({','.join(item.name for item in items)})",
        sum(sizes) if len(sizes) == len(items) else None,
        read,
        lambda values: [item.to_json(value) for item, value in zip(items, values, strict=True)],
        lambda values: tuple(item.from_json(value) for item, value in zip(items, values, strict=True)),
    )


def _read_sequence(types: Sequence[AbiType], digits: str, start: int) -> tuple[list[Any], int]:
    """Values of these types in order: the static ones in place, offsets of the dynamic ones, which follow."""
    at, end, values = start, start + WORD * sum(found.size or 1 for found in types), []
    if end > len(digits):
        raise ValueError("the data end before the values")
    for found in types:
        if found.size:
            value, at = found.read(digits, at)
        elif (offset := int(digits[at : at + WORD], 16)) != (end - start) // 2:
            raise ValueError(f"the offset {offset} is not where the value before ends")
        else:
            value, end = found.read(digits, end)
            at += WORD
        values.append(value)
    return values, end


def _length(digits: str, at: int, unit: int) -> tuple[int, int]:
    """The length before the units of so many digits each, and where they begin."""
    begin = at + WORD
    length = int(digits[at:begin], 16) if begin <= len(digits) else -1
    if not 0 <= length * unit <= len(digits) - begin:
        raise ValueError("the data end before the values")
    return length, begin


def _read_bytes(digits: str, at: int) -> tuple[str, int]:
    length, at = _length(digits, at, 2)
    end = at + -(-2 * length // WORD) * WORD
    if end > len(digits) or digits[at + 2 * length : end].strip("0"):
        raise ValueError("bytes without clean padding")
    return "0x" + digits[at : at + 2 * length], end


def _read_string(digits: str, at: int) -> tuple[str, int]:
    found, end = _read_bytes(digits, at)
    try:
        text = bytes.fromhex(found[2:]).decode()
    except UnicodeDecodeError:
        return found, end
    return (found if "\0" in text else text), end
