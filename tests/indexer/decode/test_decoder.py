"""The compiled decoders against eth_abi, the reference, for every event of every contract."""

import json
from typing import Any

import pytest
from eth_abi import abi
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.chain.rpc_types import WireLog
from indexer.decode.block import Archive, decode_logs
from indexer.decode.contract_abi import CONTRACTS
from indexer.decode.decoder import EventDecoder, LogDecoder, MalformedLog, decoders_of
from indexer.domain import events
from indexer.domain.chain import Block, Header
from indexer.domain.units import Hash
from indexer.rules.registry import HANDLERS
from tests.chains import ADDRESSES, abi_of

EVENTS = [
    pytest.param(contract, decoder, id=f"{contract}.{decoder.name}")
    for contract in CONTRACTS
    for decoder in decoders_of(contract).values()
]

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bool": st.booleans(),
    "uint8": st.integers(0, 2**8 - 1),
    "uint16": st.integers(0, 2**16 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "uint256": st.integers(0, 2**256 - 1) | st.just(2**256 - 1),
    "uint16[5]": st.lists(st.integers(0, 2**16 - 1), min_size=5, max_size=5).map(tuple),
}


def encoded(entry: dict[str, Any], topic0: str, values: tuple[Any, ...]) -> tuple[list[str], str]:
    topics, types, data = [topic0], [], []
    for argument, value in zip(entry["inputs"], values, strict=True):
        if argument["indexed"]:
            topics.append("0x" + abi.encode([argument["type"]], [value]).hex())
        else:
            types.append(argument["type"])
            data.append(value)
    return topics, "0x" + abi.encode(types, data).hex()


def as_event_values(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("0x" + value.hex() if isinstance(value, bytes) else value for value in values)


@pytest.mark.parametrize(("contract", "decoder"), EVENTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_event_decodes_to_what_eth_abi_encoded(contract: str, decoder: EventDecoder, data: Any) -> None:
    entry = abi_of(contract, decoder.name)
    values = data.draw(st.tuples(*(VALUES[argument["type"]] for argument in entry["inputs"])))
    event, arguments = decoder.decode(*encoded(entry, decoder.topic0, values))
    assert type(event) is getattr(events, decoder.name)
    assert tuple(event) == as_event_values(values)
    archived = json.loads(arguments)
    assert len(archived) == len(values)
    for got, value in zip(archived.values(), as_event_values(values), strict=True):
        assert got == (list(value) if isinstance(value, tuple) else value) or got == str(value)


@pytest.mark.parametrize(("contract", "decoder"), EVENTS)
def test_a_log_of_another_shape_is_malformed(contract: str, decoder: EventDecoder) -> None:
    entry = abi_of(contract, decoder.name)
    zero: dict[str, Any] = {"address": "0x" + "00" * 20, "bytes32": bytes(32), "bool": False, "uint16[5]": (0,) * 5}
    values = tuple(zero.get(argument["type"], 0) for argument in entry["inputs"])
    topics, data = encoded(entry, decoder.topic0, values)
    for wrong_topics, wrong_data in (
        ([*topics, "0x" + "00" * 32], data),
        (topics, data + "00" * 32),
        (topics, data + "00"),
        (topics[:-1], data),
    ):
        with pytest.raises(MalformedLog, match=decoder.name):
            decoder.decode(wrong_topics, wrong_data)


@pytest.mark.parametrize(
    ("topic", "data"),
    [
        ("0x" + "00" * 11 + "01" + "00" * 20, "0x" + "00" * 95 + "00"),
        ("0x" + "00" * 33, "0x" + "00" * 96),
        ("0x" + "00" * 32, "0x" + "01" + "00" * 95),
        ("0x" + "00" * 32, "0x" + "0g" + "00" * 95),
    ],
    ids=["address with dirty padding", "topic of 33 bytes", "uint8 beyond its range", "no hex"],
)
def test_values_beyond_their_type_are_malformed(topic: str, data: str) -> None:
    boost = next(decoder for decoder in decoders_of("GhostCore").values() if decoder.name == "BoostApplied")
    with pytest.raises(MalformedLog):
        boost.decode([boost.topic0, topic], data)


def test_every_event_has_a_rule() -> None:
    for contract in CONTRACTS:
        for decoder in decoders_of(contract).values():
            assert getattr(events, decoder.name) in HANDLERS[contract]


@pytest.mark.parametrize(
    ("topics", "data", "reason"),
    [
        ([], "0x", "no topics"),
        (["0x" + "ab" * 32], "0x", "no event of GhostCore has topic0 0xabab"),
        ([next(iter(decoders_of("GhostCore")))], "0x12", "not shaped like"),
    ],
    ids=["LOG0", "unknown", "malformed"],
)
def test_what_cannot_be_decoded_is_kept_raw_with_the_reason(topics: list[str], data: str, reason: str) -> None:
    block, archive = Block(Header(5, Hash("0x05"), Hash("0x04"), 100)), Archive()
    log = WireLog(ADDRESSES["GhostCore"], topics, data, "0x05", "0x" + "77" * 32, "0x1", "0x2", "0x5")
    decode_logs(LogDecoder(ADDRESSES), block, [log], archive)
    (kept,) = archive.undecoded
    assert block.logs == []
    assert kept.id == 5 << 23 | 2
    assert (kept.address, json.loads(kept.topics), kept.data) == (log.address, topics, data)
    assert kept.reason.startswith(reason)
