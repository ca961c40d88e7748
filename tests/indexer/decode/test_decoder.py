"""The compiled decoders against eth_abi, the reference, for every event of every contract."""

import json
from typing import Any

import pytest
from eth_abi import abi
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.chain.rpc_types import WireLog
from indexer.decode.block import Archive, decode_logs
from indexer.decode.contract_abi import CONTRACTS, AbiEvent, events_of
from indexer.decode.decoder import EventDecoder, LogDecoder, MalformedLog, archive_readers_of, decoders_of
from indexer.domain.chain import Block, Header
from indexer.domain.units import Hash
from indexer.rules.registry import check_handlers
from tests.abi_values import as_read, values_of
from tests.chains import ADDRESSES

EVENTS = [
    pytest.param(event, decoders_of(contract)[event.topic0], id=f"{contract}.{event.signature}")
    for contract in CONTRACTS
    for event in events_of(contract)
]


def encoded(event: AbiEvent, values: tuple[Any, ...]) -> tuple[list[str], str]:
    topics, types, data = [event.topic0], [], []
    for argument, value in zip(event.arguments, values, strict=True):
        if argument.indexed:
            topics.append("0x" + abi.encode([argument.type.name], [value]).hex())
        else:
            types.append(argument.type.name)
            data.append(value)
    return topics, "0x" + abi.encode(types, data).hex()


def in_json(value: Any) -> Any:
    """A value as the archive has it, but numbers as text."""
    if isinstance(value, (list, tuple)):
        return [in_json(item) for item in value]
    return str(value) if type(value) is int else value


@pytest.mark.parametrize(("event", "decoder"), EVENTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_event_decodes_to_what_eth_abi_encoded(event: AbiEvent, decoder: EventDecoder, data: Any) -> None:
    values = data.draw(st.tuples(*(values_of(argument.type.name) for argument in event.arguments)))
    decoded, arguments = decoder.decode(*encoded(event, values))
    assert type(decoded) is event.event_class
    fields = [argument.field for argument in event.arguments]
    assert [getattr(decoded, field) for field in fields] == [as_read(value) for value in values]
    archived = json.loads(arguments)
    assert in_json(list(archived.values())) == in_json([as_read(value) for value in values])
    assert archive_readers_of(event.contract)[decoder.name](archived) == decoded


@pytest.mark.parametrize(("event", "decoder"), EVENTS)
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_a_log_of_another_shape_is_malformed(event: AbiEvent, decoder: EventDecoder, data: Any) -> None:
    values = data.draw(st.tuples(*(values_of(argument.type.name) for argument in event.arguments)))
    topics, log_data = encoded(event, values)
    for wrong_topics, wrong_data in (
        ([*topics, "0x" + "00" * 32], log_data),
        (topics, log_data + "00" * 32),
        (topics, log_data + "00"),
        (topics[:-1], log_data),
    ):
        with pytest.raises(MalformedLog, match=event.name):
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
    check_handlers(CONTRACTS)


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
