"""A recording moved in time: its blocks, the times inside its events, and what the contracts' views answered.

Hashes stay as recorded, and so does calldata, in which nothing but the deadline of a round or a boost is a time.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from indexer.base.errors import GhostnetError
from indexer.chain.views import GET_LEVEL_STATE, GET_POSITION, GET_SYSTEM_RESET, View
from indexer.decode.contract_abi import CONTRACTS, events_of
from indexer.decode.words import WORD
from indexer.replay.recording import RecordedBlock, RecordedLog, RecordedTransaction

_LATEST: Final = 1 << 63
"""From here on a number means `never`, like the greatest of its type."""
TIMES_IN_EVENTS: Final = frozenset({"deadline", "executedAt", "expiry", "finalizedAt", "timestamp"})
"""The arguments of events that are times."""
_IN_ANSWERS: Final = TIMES_IN_EVENTS | {
    "entryTimestamp",
    "lastAddTimestamp",
    "lastDepositTime",
    "nextScanTime",
    "resolveTime",
}
"""The fields of views, of a truth and of a state file that are times."""


class BadShift(GhostnetError):
    """A time would lie before 1970."""

    help = "Move the recording less far back."


def shift_to(now: int, recording: Sequence[RecordedBlock], head: int, pace: float) -> int:
    """The seconds by which to move a recording so that its block `head` is of the time `now`.

    `pace` is how many of its blocks come in a second from now on, 0 for none. Where they come faster than by their
    times, the last one gets the time at which it comes: no time lies in the future.
    """
    to_head = now - recording[head].timestamp
    if pace <= 0:
        return to_head
    comes_in = int((len(recording) - 1 - head) / pace)
    return min(to_head, now + comes_in - recording[-1].timestamp)


def shifted_time(time: int, seconds: int) -> int:
    """A time (unix seconds) so many seconds later; 0 (`not yet`) stays as it is, and so does what means `never`.

    Raises BadShift.
    """
    if time == 0 or time >= _LATEST:
        return time
    if time + seconds <= 0:
        raise BadShift(f"{time} can't be moved by {seconds} s")
    return time + seconds


def shifted_blocks(recording: Sequence[RecordedBlock], seconds: int) -> list[RecordedBlock]:
    """The blocks so many seconds later, with the times inside all events of the contracts' kinds. Raises BadShift."""
    return [
        RecordedBlock(
            block.number,
            block.hash,
            block.parent_hash,
            shifted_time(block.timestamp, seconds),
            [_shifted_transaction(transaction, seconds) for transaction in block.txs],
        )
        for block in recording
    ]


def shifted_truth(document: Any, seconds: int) -> Any:
    """An expected file's document, or a part of it, with every field that is a time moved. Raises BadShift."""
    if isinstance(document, Mapping):
        return {name: _shifted_field(name, value, seconds) for name, value in document.items()}
    return [shifted_truth(item, seconds) for item in document] if isinstance(document, list) else document


def shifted_state(document: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    """A state file's document with every answer's times moved. Raises BadShift."""

    def moved(view: View, changes: Sequence[tuple[int, Sequence[Any]]]) -> list[list[Any]]:
        return [
            [block, [_shifted_field(name, value, seconds) for name, value in zip(view.fields, values, strict=True)]]
            for block, values in changes
        ]

    return {
        **document,
        "levels": {level: moved(GET_LEVEL_STATE, changes) for level, changes in document["levels"].items()},
        "positions": {player: moved(GET_POSITION, changes) for player, changes in document["positions"].items()},
        "reset": moved(GET_SYSTEM_RESET, document["reset"]),
    }


def _shifted_field(name: str, value: Any, seconds: int) -> Any:
    if name not in _IN_ANSWERS:
        return shifted_truth(value, seconds)
    return type(value)(shifted_time(int(value), seconds))


def _shifted_transaction(transaction: RecordedTransaction, seconds: int) -> RecordedTransaction:
    logs = [_shifted_log(log, seconds) for log in transaction.logs]
    return msgspec.structs.replace(transaction, logs=logs)


def _shifted_log(log: RecordedLog, seconds: int) -> RecordedLog:
    """A log with its times moved, whoever emitted it; one that only begins like such an event stays as it is."""
    shape = _shapes().get(log.topics[0]) if log.topics else None
    if shape is None or (len(log.topics), len(log.data)) != shape[:2]:
        return log
    data = log.data
    for place in shape[2]:
        word = shifted_time(int(data[place : place + WORD], 16), seconds)
        data = f"{data[:place]}{word:0{WORD}x}{data[place + WORD :]}"
    return RecordedLog(log.address, log.topics, data)


@cache
def _shapes() -> dict[str, tuple[int, int, list[int]]]:
    """By topic0 of the events with times: how many topics, how many characters of data, and where in it they begin."""
    shapes = {}
    for event in (event for contract in CONTRACTS for event in events_of(contract)):
        data = event.data
        places = [2 + WORD * index for index, argument in enumerate(data) if argument.name in TIMES_IN_EVENTS]
        if places and all(argument.type.is_word for argument in data):
            shapes[event.topic0] = event.topic_count, 2 + WORD * len(data), places
    return shapes
