"""Decode logs with functions compiled once per event from its ABI.

Every argument of every event is a static 32-byte word (`uint16[5]`: five), so a decoder slices words, and checks what
eth_abi would check (`indexer.decode.words`). `eth_abi` is the reference, too slow for a backfill; the tests compare the
two.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from indexer.base.errors import GhostnetError
from indexer.decode.words import WORDS
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

    `decode` makes the event from a log's topics and data (hex with `0x`), and its arguments as a JSON object, numbers
    beyond 32 bits as strings; it raises MalformedLog. `from_json` makes the event from the parsed object.
    """

    name: str
    topic0: str
    decode: Callable[[Sequence[str], str], tuple[Any, Json]]
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
    topics, words = 1, 0
    values, renderings, readings = [], [], []
    for index, entry in enumerate(inputs):
        abi_type, count = entry["type"], _word_count(entry["type"])
        if entry["indexed"]:
            values.append(f"{abi_type}[topics[{topics}]]")
            topics += 1
        else:
            places = [2 + 64 * word for word in range(words, words + count)]
            values.append(_value(abi_type, [f"data[{place}:{place + 64}]" for place in places]))
            words += count
        name_in_json = event_class._fields[index].rstrip("_")
        renderings.append(f'"{name_in_json}":' + _rendering(abi_type, f"v{index}"))
        readings.append(_reading(abi_type, f"arguments[{name_in_json!r}]"))
    malformed = _malformed(signature, topics, words)
    scope = {"new": new_tuple, "Event": event_class, "malformed": malformed, "dump": json.dumps, **WORDS}
    body = ",".join(renderings).replace("{", "{{").replace("}", "}}").replace("<<", "{").replace(">>", "}")
    assignments = "; ".join(f"v{index} = {value}" for index, value in enumerate(values))
    event = "".join(f"v{index}, " for index in range(len(values)))
    exec(  # noqa: S102 - the text is made of the ABI files above
        f"""def decode(topics, data):
    if len(topics) == {topics} and len(data) == {2 + 64 * words}:
        try:
            {assignments}
        except ValueError:
            pass
        else:
            return new(Event, ({event})), f'{{{{{body}}}}}'
    raise malformed(topics, data)
""",
        scope,
    )
    from_json = eval(f"lambda arguments: new(Event, ({', '.join(readings)},))", scope)  # noqa: S307 - as above
    return EventDecoder(name, to_hex(keccak(signature.encode())), scope["decode"], from_json)


def _word_count(abi_type: str) -> int:
    return 5 if abi_type == "uint16[5]" else 1


def _value(abi_type: str, words: Sequence[str]) -> str:
    """The source text that makes a value from the words of the data."""
    if abi_type == "uint16[5]":
        return f"({', '.join(f'uint16[{word}]' for word in words)})"
    if abi_type == "uint256":
        return f"int({words[0]}, 16)"  # these are amounts: most of them come once
    return f"{abi_type}[{words[0]}]"


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


def _malformed(signature: str, topics: int, words: int) -> Callable[[Sequence[str], str], MalformedLog]:
    def error(got_topics: Sequence[str], got_data: str) -> MalformedLog:
        return MalformedLog(
            f"not shaped like {signature}: expected {topics} topics and {words} words with clean padding, "
            f"got {len(got_topics)} topics and {(len(got_data) - 2) / 64:g} words"
        )

    return error
