"""Decode logs with functions compiled once per event from its ABI.

Every argument of every event is a static 32-byte word (`uint16[5]`: five), so a decoder slices words, and checks what
eth_abi would check. `eth_abi` is the reference, too slow for a backfill; the tests compare the two.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from indexer.base.errors import GhostnetError
from indexer.domain import events
from indexer.domain.units import Address, Json, to_hex
from indexer.records.rows import new_tuple

ABI_FOLDER = Path(__file__).parent / "abi"
CONTRACTS = tuple(sorted(path.stem for path in ABI_FOLDER.glob("*.json")))


class MalformedLog(GhostnetError):
    """A log that is no known event, or whose topics and data do not have the event's shape."""

    help = "The log is kept in undecoded_logs; nothing needs to be done unless the contracts were upgraded."


class EventDecoder(NamedTuple):
    """One event of one contract, with its compiled functions.

    `decode` makes the event from a log's topics and data (hex with `0x`) and raises MalformedLog. `to_json` renders its
    arguments as a JSON object, numbers beyond 32 bits as strings. `from_json` makes the event from the parsed object.
    """

    name: str
    topic0: str
    decode: Callable[[Sequence[str], str], Any]
    to_json: Callable[[Any], Json]
    from_json: Callable[[Mapping[str, Any]], Any]


class LogDecoder:
    """The event decoders of a deployment; `contracts` maps names to addresses."""

    def __init__(self, contracts: Mapping[str, Address]) -> None:
        self._names = {str(address): name for name, address in contracts.items()}
        self.by_address_and_topic = {
            (str(address), topic0): (name, decoder)
            for name, address in contracts.items()
            for topic0, decoder in decoders_of(name).items()
        }
        """Contract name and decoder by address and topic0."""

        self.by_name = {(name, decoder.name): decoder for name in contracts for decoder in decoders_of(name).values()}
        """Decoder by contract name and event name."""

    def why_unknown(self, address: str, topics: Sequence[str]) -> MalformedLog:
        """The error with the reason why a log has no decoder in `by_address_and_topic`."""
        if not topics:
            return MalformedLog("no topics")
        return MalformedLog(f"no event of {self._names.get(address, address)} has topic0 {topics[0]}")


@cache
def decoders_of(contract: str) -> dict[str, EventDecoder]:
    """The decoders of a contract's events, by topic0."""
    abi = json.loads((ABI_FOLDER / f"{contract}.json").read_text())
    decoders = [compile_event(entry["name"], entry["inputs"]) for entry in abi]
    return {decoder.topic0: decoder for decoder in decoders}


def topic0_of(contract: str, event: str) -> str:
    """The topic0 of a contract's event."""
    return next(decoder.topic0 for decoder in decoders_of(contract).values() if decoder.name == event)


def compile_event(name: str, inputs: Sequence[Mapping[str, Any]]) -> EventDecoder:
    """Compile the decoder of one event, whose class is in `indexer.domain.events`.

    Compiled source text, one flat expression, is three times as fast as nested closures, and runs once per log.
    """
    event_class = getattr(events, name)
    signature = f"{name}({','.join(entry['type'] for entry in inputs)})"
    topic_words = [_Word(f"topics[{index}]", 2) for index in range(1, 1 + sum(entry["indexed"] for entry in inputs))]
    words, data_words = iter(topic_words), 0
    values, checks, renderings, readings = [], [], [], []
    for index, entry in enumerate(inputs):
        if entry["indexed"]:
            sources = [next(words)]
        else:
            sources = [_Word("data", 2 + 64 * (data_words + n)) for n in range(_word_count(entry["type"]))]
            data_words += len(sources)
        checks += [check for source in sources if (check := _check(entry["type"], source))]
        value = [_value(entry["type"], source) for source in sources]
        values.append(value[0] if len(value) == 1 else f"({', '.join(value)})")
        name_in_json = event_class._fields[index].rstrip("_")
        renderings.append(f'"{name_in_json}":' + _rendering(entry["type"], f"event[{index}]"))
        readings.append(_reading(entry["type"], f"arguments[{name_in_json!r}]"))
    shape = f"len(topics) == {len(topic_words) + 1} and len(data) == {2 + 64 * data_words}"
    condition = " and ".join([shape, *checks])
    source = f"lambda topics, data: new(Event, ({', '.join(values)},)) if {condition} else malformed(topics, data)"
    scope = {
        "new": new_tuple,
        "Event": event_class,
        "malformed": _malformed(signature, len(topic_words) + 1, data_words),
    }
    decode = eval(source, scope)  # noqa: S307 - the text is made of the ABI files above
    body = ",".join(renderings).replace("{", "{{").replace("}", "}}").replace("<<", "{").replace(">>", "}")
    to_json = eval(f"lambda event: f'''{{{{{body}}}}}'''", {"dump": json.dumps})  # noqa: S307
    from_json = eval(f"lambda arguments: new(Event, ({', '.join(readings)},))", scope)  # noqa: S307
    return EventDecoder(name, to_hex(keccak(signature.encode())), decode, to_json, from_json)


def _word_count(abi_type: str) -> int:
    return 5 if abi_type == "uint16[5]" else 1


class _Word(NamedTuple):
    """The position of a word's 64 hex digits in a hex string."""

    text: str
    start: int

    def digits(self, first: int, last: int = 64) -> str:
        """The source text that slices some of the digits."""
        return f"{self.text}[{self.start + first}:{self.start + last}]"


def _value(abi_type: str, word: _Word) -> str:
    if abi_type == "address":
        return f"'0x' + {word.digits(24)}"
    if abi_type == "bytes32":
        return f"'0x' + {word.digits(0)}"
    if abi_type == "bool":
        return f"{word.digits(63)} == '1'"
    return f"int({word.digits(0)}, 16)"


def _check(abi_type: str, word: _Word) -> str:
    """A condition that the padding of a narrow type is zero; empty for full words."""
    if abi_type == "bool":
        return f"{word.digits(0, 63)} == '{'0' * 63}' and {word.digits(63)} in '01'"
    digits = {"address": 40, "uint8": 2, "uint16": 4, "uint16[5]": 4, "uint64": 16}.get(abi_type, 64)
    return f"{word.digits(0, 64 - digits)} == '{'0' * (64 - digits)}'" if digits < 64 else ""


def _rendering(abi_type: str, value: str) -> str:
    """The source text that renders a value as JSON; numbers beyond 32 bits become strings: readers would round them."""
    if abi_type in ("address", "bytes32", "uint64", "uint256"):
        return f'"<<{value}>>"'
    if abi_type in ("uint8", "uint16"):
        return f"<<{value}>>"
    if abi_type == "bool":
        return f'<<"true" if {value} else "false">>'
    return f"<<dump({value})>>"


def _reading(abi_type: str, value: str) -> str:
    """The source text that makes a value from parsed JSON: the inverse of `_rendering`."""
    if abi_type in ("uint64", "uint256"):
        return f"int({value})"
    return f"tuple({value})" if abi_type == "uint16[5]" else value


def _malformed(signature: str, topics: int, words: int) -> Callable[[Sequence[str], str], Any]:
    def fail(got_topics: Sequence[str], got_data: str) -> Any:
        raise MalformedLog(
            f"not shaped like {signature}: expected {topics} topics and {words} words with clean padding, "
            f"got {len(got_topics)} topics and {(len(got_data) - 2) / 64:g} words"
        )

    return fail
