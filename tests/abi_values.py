"""Random values of ABI types, as eth_abi takes them and as events have them."""

from collections.abc import Sequence
from typing import Any

from eth_abi import abi
from eth_abi.grammar import TupleType, parse
from hypothesis import strategies as st


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Values of a type, named as in a signature, as eth_abi takes them."""
    return _values(parse(name))


def as_read(value: Any) -> Any:
    """A value of eth_abi as events have it: bytes are hex, and so is text with a zero byte."""
    if isinstance(value, tuple):
        return tuple(map(as_read, value))
    if isinstance(value, str) and "\0" in value:
        value = value.encode()
    return "0x" + value.hex() if isinstance(value, bytes) else value


def encoded(names: Sequence[str], values: Sequence[Any]) -> bytes:
    """Values of these types, as events have them, encoded; a string as the bytes that it is, or was read of."""
    plain = [name.replace("string", "bytes") for name in names]
    return abi.encode(plain, [_as_eth_abi(parse(name), value) for name, value in zip(plain, values, strict=True)])


def _values(node: Any) -> st.SearchStrategy[Any]:
    if node.is_array:
        length = node.arrlist[-1]
        least, most = (length[0], length[0]) if length else (0, 3)
        return st.lists(_values(node.item_type), min_size=least, max_size=most).map(tuple)
    if isinstance(node, TupleType):
        return st.tuples(*map(_values, node.components))
    bits = int(node.sub) if node.base in ("int", "uint") else 0
    return {
        "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
        "bool": st.booleans(),
        "bytes": st.binary(min_size=int(node.sub or 0), max_size=int(node.sub or 70)),
        "string": st.text(max_size=40).filter(lambda text: not text.startswith("0x")),
        "uint": st.integers(0, 2**bits - 1),
        "int": st.integers(-(2**bits // 2), 2**bits // 2 - 1),
    }[node.base]


def _as_eth_abi(node: Any, value: Any) -> Any:
    if node.is_array:
        return [_as_eth_abi(node.item_type, item) for item in value]
    if isinstance(node, TupleType):
        return tuple(_as_eth_abi(part, item) for part, item in zip(node.components, value, strict=True))
    if node.base != "bytes":
        return value
    return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
