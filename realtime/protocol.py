"""The messages of `/ws` (docs/realtime.md): reading what clients send, writing what they get."""

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from indexer.base.errors import GhostnetError
from indexer.domain.units import Address, first_id
from indexer.selectors.addresses import checksummed
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import CHANNELS
from realtime.wire import MOST_FRAME

MOST_CURSOR: Final = (1 << 63) - 1


class BadMessage(GhostnetError):
    """A client sent something that can't be used; `code`, and `more` fields of the answer, are for programs."""

    help = "docs/realtime.md lists the messages."

    def __init__(self, code: str, message: str, **more: str) -> None:
        self.code = code
        self.more = more
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Wants these channels, from a cursor on or from now on."""

    channels: tuple[str, ...]
    since: int | None


@dataclass(frozen=True, slots=True)
class SubscribeUser:
    """Wants to know of a player's position."""

    address: Address
    since: int | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Does not want these channels any more."""

    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnsubscribeUser:
    """Does not want to know of a player any more."""

    address: Address


@dataclass(frozen=True, slots=True)
class Ping:
    """Wants a PONG."""


Message = Subscribe | SubscribeUser | Unsubscribe | UnsubscribeUser | Ping

_FIELDS: Final = {
    "SUBSCRIBE": {"type", "channels", "since"},
    "SUBSCRIBE_USER": {"type", "address", "since"},
    "UNSUBSCRIBE": {"type", "channels"},
    "UNSUBSCRIBE_USER": {"type", "address"},
    "PING": {"type"},
}


def parse(text: str | None) -> Message:
    """A client's frame. Raises BadMessage, which says what is wrong with it."""
    if text is None:
        raise BadMessage("binary_frame", "frames are text, not binary")
    if len(text.encode()) > MOST_FRAME:
        raise BadMessage("frame_too_long", f"a frame has at most {MOST_FRAME} bytes")
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadMessage("bad_json", f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadMessage("bad_message", "a message is a JSON object")
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise BadMessage("unknown_type", f"type must be one of {', '.join(_FIELDS)}")
    unknown = sorted(set(document) - _FIELDS[kind])
    if unknown:
        raise BadMessage("unknown_field", f"{kind} has no field {unknown[0]!r}")
    match kind:
        case "SUBSCRIBE":
            return Subscribe(_channels(document), _since(document))
        case "SUBSCRIBE_USER":
            return SubscribeUser(_address(document), _since(document))
        case "UNSUBSCRIBE":
            return Unsubscribe(_channels(document))
        case "UNSUBSCRIBE_USER":
            return UnsubscribeUser(_address(document))
        case _:
            return Ping()


def _channels(document: dict[str, Any]) -> tuple[str, ...]:
    channels = document.get("channels")
    if not isinstance(channels, list) or not channels:
        raise BadMessage("bad_channels", "channels must be a list of at least one channel")
    for channel in channels:
        if channel not in CHANNELS:
            raise BadMessage("unknown_channel", f"{channel!r} is none of {', '.join(CHANNELS)}")
    return tuple(dict.fromkeys(channels))


def _address(document: dict[str, Any]) -> Address:
    address = document.get("address")
    if not isinstance(address, str) or not re.fullmatch("0[xX][0-9a-fA-F]{40}", address):
        raise BadMessage("bad_address", "address must be 0x and 40 hex digits")
    return Address(address.lower())


def _since(document: dict[str, Any]) -> int | None:
    since = document.get("since")
    if since is None:
        return None
    if not isinstance(since, str) or not re.fullmatch("[0-9]{1,19}", since) or int(since) > MOST_CURSOR:
        raise BadMessage("bad_cursor", "since must be the id of an event, as a string")
    return int(since)


def connection_state(block: IndexedBlock | None, head: int) -> bytes:
    """The first message of a connection: the last indexed block, null for none, and the cursor at its end."""
    number = None if block is None else block.block_number
    return _encode({"type": "CONNECTION_STATE", "status": "connected", "indexed_block": number, "head": str(head)})


def subscribed(channels: set[str], users: set[str]) -> bytes:
    """All that a client is subscribed to."""
    return _encode({"type": "SUBSCRIBED", "channels": sorted(channels), "users": sorted(map(checksummed, users))})


def reorg(ancestor: int) -> bytes:
    """Everything above a block did not happen."""
    return _encode({"type": "REORG", "ancestor_block": ancestor, "dropped_from": str(first_id(ancestor + 1))})


def position_update(address: str, position: Any) -> bytes:
    """A player's position as it stands, None for none."""
    return _encode({"type": "POSITION_UPDATE", "address": checksummed(address), "position": position})


def scan_warning(level: int, seconds: int) -> bytes:
    """A scan is near."""
    return _encode({"type": "SCAN_WARNING", "level": level, "seconds_until": seconds})


def error(code: str, message: str, **more: str) -> bytes:
    """What was wrong."""
    return _encode({"type": "ERROR", "code": code, "message": message, **more})


PONG: Final = msgspec.json.encode({"type": "PONG"})
_encode: Final = msgspec.json.encode
