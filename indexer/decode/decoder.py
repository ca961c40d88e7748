"""Decode logs with functions compiled once per event from its ABI.

Nearly every argument is a static 32-byte word, so a decoder slices words, and checks what eth_abi would check
(`indexer.decode.words`); an event with arrays, bytes, strings or structs in its data is read by its types
(`indexer.decode.abi_types`). `eth_abi` is the reference, too slow for a backfill; the tests compare the two.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from indexer.base.errors import GhostnetError
from indexer.decode.abi_types import is_text_in_json, reader_of
from indexer.decode.contract_abi import AbiEvent, Argument, check_classes, events_of
from indexer.decode.words import WORD, WORDS
from indexer.domain.units import Address, Json
from indexer.records.rows import new_tuple


class MalformedLog(GhostnetError):
    """A log that is no known event, or whose topics and data do not have the event's shape."""

    help = "The log is kept in undecoded_logs; nothing needs to be done unless the contracts were upgraded."


class EventDecoder(NamedTuple):
    """One event of one contract, in one of its versions, with its compiled function.

    `name` is that of the event's class, by which the archive has it. `decode` makes the event from a log's topics and
    data (hex with `0x`), and its arguments as a JSON object, numbers beyond 32 bits as strings; it raises MalformedLog.
    """

    name: str
    topic0: str
    decode: Callable[[Sequence[str], str], tuple[Any, Json]]


FromJson = Callable[[Mapping[str, Any]], Any]
"""Makes an event of its archived arguments, whichever version of it was logged."""


class LogDecoder:
    """The event decoders of a deployment; `contracts` maps names to addresses. Raises UnreadableAbi."""

    def __init__(self, contracts: Mapping[str, Address]) -> None:
        check_classes(contracts)
        self._names = {str(address): name for name, address in contracts.items()}
        self.by_address_and_topic = {
            (str(address), topic0): (name, decoder)
            for name, address in contracts.items()
            for topic0, decoder in decoders_of(name).items()
        }
        """Contract name and decoder by address and topic0."""

        self.from_json = {
            (contract, name): from_json
            for contract in contracts
            for name, from_json in archive_readers_of(contract).items()
        }
        """By contract name and event name, what makes an event of its archived arguments."""

    def why_unknown(self, address: str, topics: Sequence[str]) -> MalformedLog:
        """The error with the reason why a log has no decoder in `by_address_and_topic`."""
        if not topics:
            return MalformedLog("no topics")
        return MalformedLog(f"no event of {self._names.get(address, address)} has topic0 {topics[0]}")


@cache
def decoders_of(contract: str) -> dict[str, EventDecoder]:
    """The decoders of a contract's events, by topic0. Raises UnreadableAbi."""
    return {(decoder := compile_event(event)).topic0: decoder for event in events_of(contract)}


def topics_of(contract: str, name: str) -> tuple[str, ...]:
    """The topic0 of a contract's event, of each of its versions, in the order of the ABI."""
    return tuple(decoder.topic0 for decoder in decoders_of(contract).values() if decoder.name == name)


def topic0_of(contract: str, name: str) -> str:
    """The topic0 of a contract's event, of its first version."""
    return topics_of(contract, name)[0]


def compile_event(event: AbiEvent) -> EventDecoder:
    """Compile the decoder of one event.

    Compiled source text, one flat expression, is three times as fast as nested closures, and runs once per log.
    """
    read_data, values = _values(event)
    renderings = [f'"{argument.json_name}":{_rendering(argument)}' for argument in event.arguments]
    body = ",".join(renderings).replace("{", "{{").replace("}", "}}").replace("<<", "{").replace(">>", "}")
    size = 2 + WORD * len(event.data)
    checks = f"len(topics) == {event.topic_count}" + ("" if read_data else f" and len(data) == {size}")
    assignments = "; ".join([*read_data, *(f"v_{field} = {value}" for field, value in values.items())]) or "pass"
    fields = event.event_class._fields
    arguments = "".join(f"v_{field}, " if field in values else f"defaults[{field!r}], " for field in fields)
    scope: dict[str, Any] = {
        "new": new_tuple,
        "Event": event.event_class,
        "defaults": event.event_class._field_defaults,
        "malformed": _malformed(event),
        "dump": json.dumps,
        "read": reader_of([argument.type for argument in event.data]),
        **{f"json_{argument.field}": argument.type.to_json for argument in event.arguments},
        **WORDS,
    }
    exec(  # noqa: S102 - the text is made of the ABI files
        f"""def decode(topics, data):
    if {checks}:
        try:
            {assignments}
        except ValueError:
            pass
        else:
            return new(Event, ({arguments})), f'{{{{{body}}}}}'
    raise malformed(topics, data)
""",
        scope,
    )
    return EventDecoder(event.event_class.__name__, event.topic0, scope["decode"])


def archive_readers_of(contract: str) -> dict[str, FromJson]:
    """By the names of a contract's events, what makes an event of its archived arguments. Raises UnreadableAbi."""
    found: dict[Any, dict[str, Argument]] = {}
    for event in events_of(contract):
        known = found.setdefault(event.event_class, {})
        known |= {argument.field: argument for argument in event.arguments if argument.field not in known}
    return {event_class.__name__: _compile_reader(event_class, known) for event_class, known in found.items()}


def _values(event: AbiEvent) -> tuple[list[str], dict[str, str]]:
    """The source text that makes an event's values, by field, and what stands before it: nothing if all are words."""
    plain = all(argument.type.is_word for argument in event.data)
    topics, places = count(1), count(2, WORD) if plain else count()
    values = {}
    for _, field, kind, indexed in event.arguments:
        if indexed:
            values[field] = f"{kind.name}[topics[{next(topics)}]]"
        elif plain:
            values[field] = _value_of_word(kind.name, next(places))
        else:
            values[field] = f"values[{next(places)}]"
    return [] if plain else ["values = read(data)"], values


def _value_of_word(abi_type: str, place: int) -> str:
    """The source text that makes the value of a word of the data."""
    word = f"data[{place}:{place + WORD}]"
    if abi_type == "uint256":
        return f"int({word}, 16)"  # these are amounts: most of them come once
    return f"{abi_type}[{word}]"


def _rendering(argument: Argument) -> str:
    """The source text that renders a value as JSON."""
    value, kind = f"v_{argument.field}", argument.type
    if not kind.is_word:
        return f"<<dump(json_{argument.field}({value}))>>"
    if kind.name == "bool":
        return f'<<"true" if {value} else "false">>'
    return f'"<<{value}>>"' if is_text_in_json(kind.name) else f"<<{value}>>"


def _compile_reader(event_class: Any, arguments: Mapping[str, Argument]) -> FromJson:
    """The inverse of the rendering, for all versions of an event: arguments that one lacks have their defaults."""
    defaults = event_class._field_defaults
    texts = []
    for field in event_class._fields:
        name, kind = arguments[field].json_name, arguments[field].type
        text = f"arguments[{name!r}]"
        if not kind.is_word:
            text = f"read[{field!r}]({text})"
        elif "int" in kind.name:
            text = f"int({text})"
        texts.append(f"{text} if {name!r} in arguments else defaults[{field!r}]" if field in defaults else text)
    read = {field: argument.type.from_json for field, argument in arguments.items()}
    scope = {"new": new_tuple, "Event": event_class, "defaults": defaults, "read": read}
    reader: FromJson = eval(f"lambda arguments: new(Event, ({', '.join(texts)},))", scope)  # noqa: S307 - as above
    return reader


def _malformed(event: AbiEvent) -> Callable[[Sequence[str], str], MalformedLog]:
    plain = all(argument.type.is_word for argument in event.data)
    words = f"{len(event.data)} words" if plain else "data"

    def error(got_topics: Sequence[str], got_data: str) -> MalformedLog:
        return MalformedLog(
            f"not shaped like {event.signature}: expected {event.topic_count} topics and {words} with clean padding, "
            f"got {len(got_topics)} topics and {(len(got_data) - 2) / WORD:g} words"
        )

    return error
