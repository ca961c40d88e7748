"""Values of every ABI type, as Solidity encodes them and as it does not; eth_abi is the reference."""

import json
import re
from typing import Any, Final

import pytest
from eth_abi import abi
from eth_abi.grammar import BasicType, TupleType, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.decode.abi_types import AbiType, UnknownType, abi_type, reader_of
from tests.abi_values import as_read, values_of
from tests.abi_values import encoded as reencoded

WORDS: Final = [
    "address",
    "bool",
    *(f"bytes{size}" for size in range(1, 33)),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in range(8, 257, 8)),
]
PLAIN = st.sampled_from([*WORDS, "bytes", "string"])


def arrays_and_structs(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    structs = st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({','.join(parts)})")
    return st.builds(lambda item, length: f"{item}[{length}]", inner, st.sampled_from(["", "1", "3"])) | structs


TYPES = st.recursive(PLAIN, arrays_and_structs, max_leaves=4)


def parsed(text: str) -> AbiType:
    """The type of a signature's text."""
    return _built(parse(text))


def _built(node: Any) -> AbiType:
    suffix = "".join(f"[{''.join(map(str, dimension))}]" for dimension in node.arrlist or ())
    if isinstance(node, TupleType):
        return abi_type("tuple" + suffix, [_entry(part) for part in node.components])
    assert isinstance(node, BasicType)
    return abi_type(str(node.to_type_str()))  # type: ignore[no-untyped-call]


def _entry(node: Any) -> dict[str, Any]:
    suffix = "".join(f"[{''.join(map(str, dimension))}]" for dimension in node.arrlist or ())
    if isinstance(node, TupleType):
        return {"type": "tuple" + suffix, "components": [_entry(part) for part in node.components]}
    return {"type": node.to_type_str()}


@settings(max_examples=300, deadline=None)
@given(data=st.data(), names=st.lists(TYPES, min_size=1, max_size=3))
def test_every_type_is_read_as_eth_abi_encodes_it(data: Any, names: list[str]) -> None:
    types, values = [parsed(name) for name in names], [data.draw(values_of(name)) for name in names]
    assert [found.name for found in types] == names
    encoded = "0x" + abi.encode(names, values).hex()
    read = reader_of(types)(encoded)
    assert read == [as_read(value) for value in values]
    for found, value in zip(types, read, strict=True):
        assert found.from_json(json.loads(json.dumps(found.to_json(value)))) == value
    for broken in (encoded + "00", encoded + "00" * 32, encoded[:-2], encoded[:-64], "0x"):
        with pytest.raises(ValueError, match=r"."):
            reader_of(types)(broken)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=TYPES)
def test_whatever_a_log_holds_either_eth_abi_encodes_it_so_or_it_is_refused(data: Any, name: str) -> None:
    encoded = bytearray(abi.encode([name], [data.draw(values_of(name))]))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255))
    try:
        (read,) = reader_of([parsed(name)])("0x" + encoded.hex())
    except ValueError:
        return
    assert reencoded([name], [read]) == encoded


WORD = "{:064x}".format


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bytes", WORD(64) + WORD(0)),
        ("bytes", WORD(0) + WORD(0)),
        ("bytes", WORD(2**256 - 1)),
        ("bytes", WORD(32) + WORD(2**256 - 1)),
        ("bytes", WORD(32) + WORD(2**64) + WORD(0)),
        ("bytes", WORD(32) + WORD(1) + "ff" + "00" * 30 + "01"),
        ("uint8[]", WORD(32) + WORD(2**255)),
        ("uint8[]", WORD(32) + WORD(2) + WORD(1)),
        ("uint8[]", WORD(32) + WORD(1) + WORD(256)),
        ("uint8[][]", WORD(32) + WORD(2) + WORD(64) + WORD(64) + WORD(0)),
        ("string[]", WORD(32) + WORD(2**40) + WORD(32) * 4),
        ("uint16[5]", WORD(1) * 4 + WORD(2**16)),
    ],
)
def test_offsets_lengths_and_padding_of_no_contract_are_refused(name: str, data: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        reader_of([parsed(name)])("0x" + data)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("é 🎲".encode(), "é 🎲"), (b"a\0b", "0x610062"), (b"\xff\xfe", "0xfffe"), (b'"\\\n', '"\\\n')],
)
def test_a_string_that_is_no_text_is_its_bytes(raw: bytes, text: str) -> None:
    encoded = "0x" + abi.encode(["bytes"], [raw]).hex()
    assert reader_of([abi_type("string")])(encoded) == [text]


@pytest.mark.parametrize(
    "name", ["function", "fixed128x18", "uint", "uint7", "uint264", "bytes33", "tuple", "uint8[0]"]
)
def test_a_type_that_can_not_be_read_is_named(name: str) -> None:
    with pytest.raises(UnknownType, match=re.escape(name)):
        abi_type(name)
