"""The AsyncAPI document is the protocol: complete, described, with examples that the protocol accepts."""

import json

import msgspec

from indexer.stream.events import DATA_OF
from indexer.stream.feed import KINDS
from realtime.document import AnyServerMessage, asyncapi_json
from realtime.protocol import AnyClientMessage
from tests.paths import ASYNCAPI


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


def test_each_type_of_event_has_its_data() -> None:
    derived = {"TRACED", "REWARDS_CLAIMED", "SCAN_FINALIZED", "SYSTEM_RESET", "SURVIVED", "LARGE_TRANSFER"}
    assert {kind.type for kind in KINDS.values()} | derived == set(DATA_OF)
