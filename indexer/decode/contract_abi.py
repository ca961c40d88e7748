"""The events of the contracts' ABIs, and the classes in `indexer.domain.events` that they become.

An event has the class of its name, or the one named contract and event where another contract's event has that name.
An argument is the field of its name. A version of an event with other arguments, which an upgrade of the contract has
brought, is one more entry of the ABI: fields that a version lacks have their defaults.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from eth_hash.auto import keccak

from indexer.base.errors import GhostnetError
from indexer.decode.abi_types import AbiType, UnknownType, abi_type
from indexer.domain import events
from indexer.domain.units import to_hex

ABI_FOLDER = Path(__file__).parent / "abi"
CONTRACTS = tuple(sorted(path.stem for path in ABI_FOLDER.glob("*.json")))

MAX_TOPICS: Final = 4
_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FIELDS: Final = {
    ("DeathsProcessed", "count"): "death_count",
    ("DeathsSubmitted", "count"): "death_count",
    ("SurvivorsUpdated", "count"): "survivor_count",
}
"""The fields of arguments that are named otherwise: a tuple has a method `count`."""


class UnreadableAbi(GhostnetError):
    """An ABI in `indexer/decode/abi` of which no decoder can be made; nothing is indexed by a part of it."""

    help = (
        "Correct the ABI, or the class in indexer/domain/events.py. If another contract's event has that name, add a "
        'class named contract and event. CONTRIBUTING.md, "Add an event".'
    )


class Argument(NamedTuple):
    """An argument of an event: its name in the ABI, its `field` in the class, the type of its value."""

    name: str
    field: str
    type: AbiType
    indexed: bool

    @property
    def json_name(self) -> str:
        """Its name in the archive's JSON."""
        return self.field.rstrip("_")


@dataclass(frozen=True, slots=True)
class AbiEvent:
    """One version of a contract's event; `arguments` in the contract's order."""

    contract: str
    name: str
    signature: str
    event_class: Any
    arguments: Sequence[Argument]

    @property
    def topic0(self) -> str:
        return to_hex(keccak(self.signature.encode()))

    @property
    def data(self) -> list[Argument]:
        """The arguments that are in a log's data."""
        return [argument for argument in self.arguments if not argument.indexed]

    @property
    def topic_count(self) -> int:
        return 1 + len(self.arguments) - len(self.data)


@cache
def events_of(contract: str) -> Sequence[AbiEvent]:
    """The events of a contract, all versions, in the order of its ABI. Raises UnreadableAbi."""
    path = ABI_FOLDER / f"{contract}.json"
    try:
        entries = json.loads(path.read_text())
        found = [parse_event(contract, entry) for entry in entries if entry["type"] == "event"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableAbi(f"{path} is no contract's ABI: {error!r}") from error
    _check_versions(found)
    return found


def check_classes(contracts: Iterable[str]) -> None:
    """Raise UnreadableAbi if events of two contracts have one class, unless it is SHARED: the rules and all readers go
    by the class and its name, and would take one contract's event for the other's."""
    owners: dict[Any, AbiEvent] = {}
    for event in (event for contract in contracts for event in events_of(contract)):
        owner = owners.setdefault(event.event_class, event)
        if owner.contract != event.contract and event.event_class not in events.SHARED:
            raise UnreadableAbi(
                f"{event.contract}.{event.name} would be taken for {owner.contract}.{owner.name}",
                help=f"Add a class {event.contract}{event.name} to indexer/domain/events.py (or {owner.contract}"
                f"{owner.name}, whichever is new), which is also its name in the archive; or name the class in SHARED"
                " there, if the event means the same whichever contract emits it.",
            )


def parse_event(contract: str, entry: Mapping[str, Any]) -> AbiEvent:
    """The event of an entry of an ABI. Raises UnreadableAbi."""
    name, inputs = entry["name"], entry["inputs"]
    where = f"{contract}.{name}"
    types = [_type_of(where, argument) for argument in inputs]
    signature = f"{name}({','.join(found.name for found in types)})"
    event_class = _class_of(contract, name)
    if event_class is None:
        raise UnreadableAbi(f"{where}: indexer/domain/events.py has no class {name} for {signature}")
    if entry.get("anonymous"):
        raise UnreadableAbi(
            f"{where}: an anonymous event has no topic0 to identify it by", help="Remove it from the ABI."
        )
    arguments = []
    for argument, found in zip(inputs, types, strict=True):
        field = _field_of(where, name, argument["name"], event_class)
        kind = abi_type("bytes32") if argument["indexed"] and not found.is_word else found
        arguments.append(Argument(argument["name"], field, kind, argument["indexed"]))
    event = AbiEvent(contract, name, signature, event_class, arguments)
    fields = [argument.field for argument in arguments]
    lacking = [field for field in event_class._fields if field not in (*fields, *event_class._field_defaults)]
    if lacking or len(set(fields)) < len(fields) or event.topic_count > MAX_TOPICS:
        raise UnreadableAbi(
            f"{where}: the arguments of {signature} do not fill the class {event_class.__name__}"
            f" ({', '.join(event_class._fields)}); without a value or a default: {', '.join(lacking) or 'none'}"
        )
    return event


def _class_of(contract: str, event: str) -> Any:
    """The class of an event; None if there is none."""
    found = [getattr(events, name, None) for name in (f"{contract}{event}", event)]
    return next((one for one in found if isinstance(one, type) and hasattr(one, "_field_defaults")), None)


def _type_of(where: str, argument: Mapping[str, Any]) -> AbiType:
    try:
        return abi_type(argument["type"], argument.get("components", ()))
    except UnknownType as error:
        raise UnreadableAbi(
            f"{where}: no value can be read of the type {error} of the argument {argument['name']!r}",
            help="Add the type to indexer/decode/abi_types.py (`abi_type`), and its values to"
            " tests/indexer/decode/test_abi_types.py. Nothing was indexed meanwhile.",
        ) from error


def _field_of(where: str, event: str, argument: str, event_class: Any) -> str:
    """The field of an argument: its name in snake_case, with `_` behind it where it is a word of Python."""
    plain = _WORD_BOUNDARY.sub("_", argument.strip("_")).lower()
    for field in (_FIELDS.get((event, argument), plain), f"{plain}_"):
        if field in event_class._fields:
            return field
    raise UnreadableAbi(
        f"{where}: the class {event_class.__name__} has no field {plain!r} for the argument {argument!r}"
    )


def _check_versions(found: Sequence[AbiEvent]) -> None:
    """Raise UnreadableAbi if two versions of an event have arguments of one name and of different kinds in JSON, or if
    no version has a field of the class."""
    versions: defaultdict[Any, list[AbiEvent]] = defaultdict(list)
    for event in found:
        versions[event.event_class].append(event)
    for event_class, events_ in versions.items():
        kinds = {(argument.field, _kind(argument.type)) for event in events_ for argument in event.arguments}
        fields = sorted(field for field, _ in kinds)
        where = f"{events_[0].contract}.{event_class.__name__}"
        if missing := set(event_class._fields) - set(fields):
            raise UnreadableAbi(f"{where}: no version has an argument for {', '.join(sorted(missing))}")
        if repeated := {field for field in fields if fields.count(field) > 1}:
            raise UnreadableAbi(
                f"{where}: {', '.join(sorted(repeated))} has another type in another version",
                help="Name the newer argument otherwise in the ABI's file, and in the class: names are no part of"
                " topic0.",
            )
        if len({event.signature for event in events_}) < len(events_):
            raise UnreadableAbi(f"{where}: one version stands twice in the ABI")


def _kind(found: AbiType) -> str:
    """A type without its size: JSON has values of either size in the same way."""
    return re.sub("[0-9]+", "", found.name)
