"""The AsyncAPI document of `/ws`, made of the types of the protocol and of the feed's data."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api import schemas
from indexer.stream.event_data import Digits
from indexer.stream.feed import DATA_OF, WATCHERS, Channel
from realtime import protocol

_REF: Final = "#/components/schemas/{name}"

_ENVELOPE: Final[list[tuple[str, Any]]] = [
    ("timestamp", Annotated[int, Meta(description="The block's time, in milliseconds since 1970.")]),
    ("block", Annotated[int, Meta(description="The block's number.")]),
    ("tx", Annotated[str, Meta(pattern="^0x[0-9a-f]{64}$", description="The transaction's hash.")]),
]
"""The fields of each event besides its data."""
_EVENTS: Final = [
    msgspec.defstruct(
        f"{kind}_EVENT",
        [("data", data), *_ENVELOPE],
        tag_field="type",
        tag=kind,
        forbid_unknown_fields=True,
        namespace={"__doc__": data.__doc__},
    )
    for kind, data in DATA_OF.items()
]
AnyEvent: Any = reduce(or_, _EVENTS)


class FeedEvent(msgspec.Struct, tag_field="type", tag="FEED_EVENT", forbid_unknown_fields=True, kw_only=True):
    """Something happened: in a block, as `confirmed`, or before it, as `preconfirmed`."""

    id: Annotated[Digits, Meta(description="The event's place in the chain, a cursor; none before its block.")] | (
        UnsetType
    ) = UNSET
    key: Annotated[str, Meta(description="The transaction and a number: the event's name before its block, and in it.")]
    channel: Annotated[
        Channel | Literal["user"], Meta(description="The channel; `user` for who watches a player of the event.")
    ]
    event: AnyEvent
    status: Annotated[Literal["confirmed", "preconfirmed"], Meta(description="Whether it is in a block.")]


assert WATCHERS == "user"
SERVER_MESSAGES: Final[tuple[type[msgspec.Struct], ...]] = (
    FeedEvent,
    *(message for message in protocol.ServerMessage.__subclasses__()),
)
CLIENT_MESSAGES: Final[tuple[type[msgspec.Struct], ...]] = get_args(protocol.AnyClientMessage)
AnyServerMessage: Any = reduce(or_, SERVER_MESSAGES)

_ADDRESS: Final = "0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"
_ID: Final = "8447328255"
_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "SUBSCRIBE": {"channels": ["feed"], "last": 20},
    "SUBSCRIBE_USER": {"address": _ADDRESS, "snapshot": True},
    "UNSUBSCRIBE": {"channels": ["feed"]},
    "UNSUBSCRIBE_USER": {"address": _ADDRESS},
    "PING": {},
    "FEED_EVENT": {
        "id": _ID,
        "key": "0x" + "ab" * 32 + ":0",
        "channel": "positions",
        "event": {
            "type": "JACK_IN",
            "data": {
                "user": _ADDRESS,
                "amount": "1500000000000000000000",
                "level": 4,
                "level_name": "DARKNET",
                "new_total": "1500000000000000000000",
            },
            "timestamp": 1769827997000,
            "block": 1006,
            "tx": "0x" + "ab" * 32,
        },
        "status": "confirmed",
    },
    "CONNECTION_STATE": {"status": "connected", "indexed_block": 1006, "head": _ID},
    "SUBSCRIBED": {"channels": ["feed"], "users": [_ADDRESS], "head": _ID},
    "REORG": {"ancestor_block": 990, "dropped_from": "8313110528"},
    "DROPPED": {"keys": ["0x" + "ab" * 32 + ":0"]},
    "POSITION_UPDATE": {"address": _ADDRESS, "position": None},
    "SCAN_WARNING": {"level": 4, "seconds_until": 60},
    "SYSTEM_RESET_WARNING": {"deadline": "2026-01-01T01:00:00Z", "seconds_until": 3600},
    "ROUND_LOCKED": {"round_id": 7, "deadline": "2026-01-01T00:00:00Z"},
    "PONG": {},
    "ERROR": {"code": "unknown_channel", "message": "there is no such channel"},
}


def asyncapi_json() -> bytes:
    """The document as text that stays the same as long as the protocol does."""
    return msgspec.json.format(msgspec.json.encode(asyncapi_document(), order="sorted"), indent=2) + b"\n"


def asyncapi_document() -> dict[str, Any]:
    """The document: messages and schemas by name, and which of them clients and the server send."""
    refs, components = msgspec.json.schema_components([*CLIENT_MESSAGES, *SERVER_MESSAGES], ref_template=_REF)
    position = schemas.Position.model_json_schema(mode="serialization", ref_template=_REF.replace("name", "model"))
    components |= position.pop("$defs", {}) | {"Position": position}
    components["PositionUpdate"]["properties"]["position"] = {
        "anyOf": [{"$ref": "#/components/schemas/Position"}, {"type": "null"}]
    }
    for component in components.values():
        component["description"] = _in_one_line(component["description"])
    names = [_tag(kind) for kind in (*CLIENT_MESSAGES, *SERVER_MESSAGES)]
    messages = {
        name: {
            "name": name,
            "summary": _in_one_line(kind.__doc__ or ""),
            "contentType": "application/json",
            "payload": schema,
            "examples": [{"payload": {"type": name, **_EXAMPLES[name]}}],
        }
        for name, kind, schema in zip(names, (*CLIENT_MESSAGES, *SERVER_MESSAGES), refs, strict=True)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "GHOSTNET live",
            "version": "1",
            "description": "Every event of the game as it happens, from any cursor, across reorgs: docs/realtime.md.",
        },
        "servers": {"local": {"host": "127.0.0.1:8000", "protocol": "ws", "description": "`make demo`"}},
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {
            "receiveFromClient": _operation("receive", CLIENT_MESSAGES),
            "sendToClient": _operation("send", SERVER_MESSAGES),
        },
        "components": {"messages": messages, "schemas": components},
    }


def _operation(action: str, kinds: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/ws"},
        "messages": [{"$ref": f"#/channels/ws/messages/{_tag(kind)}"} for kind in kinds],
    }


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _tag(kind: type[msgspec.Struct]) -> str:
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
