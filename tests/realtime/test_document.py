"""The AsyncAPI document is the protocol: complete, described, with examples that the protocol accepts."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from indexer.decode.contract_abi import CONTRACTS, events_of
from indexer.domain import events
from indexer.domain.units import event_id
from indexer.selectors.feed import EventRow
from indexer.stream.feed import KINDS, event_item
from indexer.stream.topics import all_partitions, partition_of
from realtime.document import AnyServerMessage, asyncapi_json
from realtime.protocol import AnyClientMessage
from tests.chains import START, user
from tests.paths import ASYNCAPI

EXAMPLES: dict[str, Any] = {"address": user(1), "bool": True, "bytes32": "0x" + "01" * 32, "string": "text"}


def example_of(abi_type: str) -> Any:
    """A value of a type of argument; of a number it is 1."""
    return [] if abi_type.endswith("]") else EXAMPLES.get(abi_type, 1)


def test_the_file_is_the_document() -> None:
    assert ASYNCAPI.read_bytes() == asyncapi_json(), "run `make openapi`, and look at the difference"


def test_each_message_is_described_with_an_example_that_is_valid() -> None:
    document = json.loads(ASYNCAPI.read_text())
    sent = {one["$ref"].rpartition("/")[2] for one in document["operations"]["sendToClient"]["messages"]}
    for name, message in document["components"]["messages"].items():
        assert message["summary"], name
        (example,) = message["examples"]
        kind = AnyServerMessage if name in sent else AnyClientMessage
        msgspec.convert(example["payload"], kind)
    assert {"FEED_EVENT", "POSITION_UPDATE", "ROUND_LOCKED", "SYSTEM_RESET_WARNING"} <= sent


def test_each_field_says_what_it_is() -> None:
    for name, shape in json.loads(ASYNCAPI.read_text())["components"]["schemas"].items():
        assert shape["description"], name
        for field, kind in shape["properties"].items():
            said = [one for one in (kind, *kind.get("anyOf", ())) if "description" in one or "$ref" in one]
            is_the_name = field == "type" and len(kind["enum"]) == 1
            assert said or is_the_name, f"{name}.{field} says nothing of itself"


def test_no_kind_is_an_event_of_several_contracts_whose_name_is_no_key() -> None:
    assert KINDS.keys().isdisjoint(event.__name__ for event in events.SHARED)


@pytest.mark.parametrize("name", KINDS)
def test_each_event_is_sent_as_its_type_is_described_also_one_that_no_recording_has(name: str) -> None:
    versions = [event for contract in CONTRACTS for event in events_of(contract) if event.event_class.__name__ == name]
    assert versions
    for event in versions:
        values = {one.json_name: one.type.to_json(example_of(one.type.name)) for one in event.arguments}
        item = event_item(EventRow(event_id(1, 0), datetime.fromtimestamp(START, UTC), bytes(32), name, values))
        assert msgspec.json.decode(item.message(), type=AnyServerMessage).event.data
        assert partition_of(item) in set(all_partitions())
