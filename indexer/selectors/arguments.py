"""Events' arguments as answers and frames show them: the same words and units as everywhere in the API.

Counts and ids are numbers, amounts decimal strings of wei, times RFC 3339 in UTC, enums words; a level is a number
with its name beside it. An argument's name determines its type.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from indexer.base.times import utc_time
from indexer.domain.betting import round_word, side_of
from indexer.domain.levels import LevelId
from indexer.domain.positions import boost_word
from indexer.selectors.addresses import shown

Shown = dict[str, Any]


def shown_arguments(args: Mapping[str, Any]) -> Shown:
    """An event's stored arguments (integers as decimal strings) as they are shown."""
    result: Shown = {}
    for name, value in args.items():
        convert = _BY_NAME.get(name)
        if convert is None:
            result[name] = shown(value)
        else:
            result.update(convert(name, value))
    return result


def level_words(level: int, name: str = "level") -> Shown:
    """A level: its number, and its name beside it; both null for 0, which stands for no single level."""
    known = LevelId(level).name if level in set(LevelId) and level else None
    return {name: level or None, f"{name}_name": known}


def rfc3339(seconds: int) -> str | None:
    """Unix seconds as a time in UTC; None for what no calendar holds."""
    time = utc_time(seconds)
    return None if time is None else time.isoformat().replace("+00:00", "Z")


def reason_words(reason: str) -> str:
    """A toll's reason (bytes32) as text, if it is printable ASCII padded with zeros; else as it is, in hex."""
    text = bytes.fromhex(reason[2:]).rstrip(b"\0")
    return text.decode() if text and text.isascii() and text.decode().isprintable() else reason


def _level(name: str, value: Any) -> Shown:
    return level_words(int(value), name)


def _number(name: str, value: Any) -> Shown:
    return {name: int(value)}


def _time(name: str, value: Any) -> Shown:
    return {name: rfc3339(int(value))}


_BY_NAME: Final[dict[str, Callable[[str, Any], Shown]]] = {
    "level": _level,
    "source_level": _level,
    "target_level": _level,
    "scan_id": _number,
    "round_id": _number,
    "death_count": _number,
    "survivor_count": _number,
    "value_bps": _number,
    "version": _number,
    "executed_at": _time,
    "finalized_at": _time,
    "deadline": _time,
    "expiry": _time,
    "timestamp": _time,
    "boost_type": lambda name, value: {name: boost_word(int(value))},
    "round_type": lambda name, value: {name: round_word(int(value))},
    "is_over": lambda _, value: {"side": side_of(value)},
    "outcome": lambda name, value: {name: side_of(value)},
    "reason": lambda name, value: {name: reason_words(value)},
    "new_weights": lambda name, value: {name: [int(weight) for weight in value]},
}
