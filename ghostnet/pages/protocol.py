"""The page of `/ws`: the AsyncAPI document in readable form, made once by the server, without a script."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string

from realtime.document import asyncapi_document

_OPERATIONS: Final = {"receiveFromClient": "What you send", "sendToClient": "What you get"}
_EVENT: Final = "_EVENT"
"""How the names of the shapes of events end."""

LONG_LINE: Final = 100
"""Characters of JSON above which an example is spread over lines."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message: `kind` is its type, `href` leads to the part of the page that explains it."""

    name: str
    kind: str
    href: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A message, or an object inside of messages; `example` is JSON, empty for none."""

    name: str
    text: str
    fields: list[Field]
    example: str = ""


def protocol_page() -> bytes:
    """The page as HTML."""
    document = asyncapi_document()
    schemas, messages = document["components"]["schemas"], document["components"]["messages"]
    operations = [
        (title, [_message(messages[_name(one)], schemas) for one in document["operations"][operation]["messages"]])
        for operation, title in _OPERATIONS.items()
    ]
    events = {name: schema for name, schema in schemas.items() if name.endswith(_EVENT)}
    envelope = next(iter(events.values()))
    context = {
        "operations": operations,
        "envelope": [*_fields({**envelope, "properties": _without_data(envelope)})],
        "events": [
            _shape(name.removesuffix(_EVENT), schemas[_name(schema["properties"]["data"])])
            for name, schema in events.items()
        ],
        "parts": [_shape(name, schemas[name]) for name in ("Position", "Boost")],
    }
    return render_to_string("ws_docs.html", context).encode()


def _message(message: dict[str, Any], schemas: dict[str, Any]) -> Shape:
    example = json.dumps(message["examples"][0]["payload"])
    if len(example) > LONG_LINE:
        example = json.dumps(message["examples"][0]["payload"], indent=1)
    fields = _fields(schemas[_name(message["payload"])])
    return Shape(message["name"], message["summary"], [*fields], example)


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    return Shape(name, schema["description"], [*_fields(schema)])


def _fields(schema: dict[str, Any]) -> Iterator[Field]:
    """The fields of an object but `type`, the message's own name."""
    for name, shape in schema["properties"].items():
        if name != "type":
            kind, href = _kind(shape)
            yield Field(name, kind, href, name in schema["required"], _text(shape))


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {name: shape for name, shape in event["properties"].items() if name != "data"}


def _kind(shape: dict[str, Any]) -> tuple[str, str]:
    """A field's type in words, and where the page explains it."""
    if "discriminator" in shape:
        return "one of the events", "#events"
    if "$ref" in shape:
        return _name(shape), f"#{_name(shape)}"
    if "enum" in shape:
        return " | ".join(json.dumps(value) for value in shape["enum"]), ""
    if "anyOf" in shape:
        kinds = [_kind(one) for one in shape["anyOf"]]
        return " | ".join(kind for kind, _ in kinds), next((href for _, href in kinds if href), "")
    if shape["type"] == "array":
        kind, href = _kind(shape["items"])
        return f"({kind})[]" if " " in kind else f"{kind}[]", href
    return shape["type"], ""


def _text(shape: dict[str, Any]) -> str:
    """A field's description, or that of the first of its alternatives that has one."""
    texts = [shape.get("description"), *(one.get("description") for one in shape.get("anyOf", ()))]
    return next((text for text in texts if text), "")


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
