"""The messages of `/ws` (docs/realtime.md) as msgspec structs: those of clients, and those of the server.

The structs are the protocol's definition: names, types, bounds. `parse` turns what violates it into the error codes
that are promised to clients.
"""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.base.errors import GhostnetError
from indexer.domain.units import MAX_ID, Address, first_id
from indexer.selectors.addresses import checksummed
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import CHANNELS, Channel
from realtime.wire import MOST_FRAME

Channels = Annotated[tuple[Channel, ...], Meta(min_length=1)]
Player = Annotated[str, Meta(pattern="^0[xX][0-9a-fA-F]{40}$", max_length=42)]
Since = Annotated[str, Meta(pattern="^[0-9]{1,19}$")]


ErrorCode = Literal[
    "bad_json",
    "bad_message",
    "binary_frame",
    "frame_too_long",
    "unknown_type",
    "unknown_field",
    "bad_channels",
    "unknown_channel",
    "bad_address",
    "bad_cursor",
    "too_many_subscriptions",
    "replay_too_old",
]


class BadMessage(GhostnetError):
    """A client's message violates the protocol; `code` names how, `oldest` is the oldest cursor that is served."""

    help = "docs/realtime.md lists the messages."

    def __init__(self, code: ErrorCode, message: str, oldest: int | None = None) -> None:
        self.code = code
        self.oldest = oldest
        super().__init__(message)


BAD_CURSOR: Final[tuple[ErrorCode, str]] = ("bad_cursor", "since must be the id of an event, as a string")


class ClientMessage(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """A message of a client."""


class ResumableMessage(ClientMessage, frozen=True, kw_only=True):
    """A subscription that may go on from the cursor `since`. Raises BadMessage for one that no id can be."""

    since: Since | None = None

    def __post_init__(self) -> None:
        # A pattern's `$` lets a line break pass, and no pattern knows the largest id.
        if self.since is not None and not (self.since.isdecimal() and int(self.since) <= MAX_ID):
            raise BadMessage(*BAD_CURSOR)

    @property
    def cursor(self) -> int | None:
        return None if self.since is None else int(self.since)


class Subscribe(ResumableMessage, frozen=True, tag="SUBSCRIBE"):
    """Subscribe to channels, from `since` on or from now on; with `last` after the newest so many events; with
    `preconfirmed` to events before their block, too."""

    channels: Channels
    last: Annotated[int, Meta(ge=1, le=100)] | None = None
    preconfirmed: bool = False


class SubscribeUser(ResumableMessage, frozen=True, tag="SUBSCRIBE_USER"):
    """Subscribe to a player's position; with `since` or `snapshot` it is sent at once."""

    address: Player
    snapshot: bool = False

    @property
    def player(self) -> Address:
        return Address(self.address.lower())


class Unsubscribe(ClientMessage, frozen=True, tag="UNSUBSCRIBE"):
    """End the subscriptions to channels."""

    channels: Channels


class UnsubscribeUser(ClientMessage, frozen=True, tag="UNSUBSCRIBE_USER"):
    """End the subscription to a player's position."""

    address: Player

    @property
    def player(self) -> Address:
        return Address(self.address.lower())


class Ping(ClientMessage, frozen=True, tag="PING"):
    """Ask for a PONG."""


class ServerMessage(Struct, frozen=True, tag_field="type"):
    """A message of the server; FEED_EVENT is `indexer.stream.feed.FeedFrame`."""

    def encode(self) -> bytes:
        return _encode(self)


class ConnectionState(ServerMessage, frozen=True, tag="CONNECTION_STATE"):
    """The first message of a connection: the last indexed block, null for none, and the cursor at its end."""

    status: str
    indexed_block: int | None
    head: str

    @classmethod
    def of(cls, block: IndexedBlock | None, head: int) -> "ConnectionState":
        return cls("connected", None if block is None else block.block_number, str(head))


class Subscribed(ServerMessage, frozen=True, tag="SUBSCRIBED"):
    """All that a client is subscribed to, addresses with their checksums; `head` is the cursor above which events come
    live."""

    channels: list[str]
    users: list[str]
    head: str

    @classmethod
    def of(cls, channels: set[str], users: set[str], head: int) -> "Subscribed":
        return cls(sorted(channels), sorted(map(checksummed, users)), str(head))


class Reorg(ServerMessage, frozen=True, tag="REORG"):
    """All blocks above `ancestor_block` were dropped, and all items from the id `dropped_from` on."""

    ancestor_block: int
    dropped_from: str

    @classmethod
    def of(cls, ancestor: int) -> "Reorg":
        return cls(ancestor, str(first_id(ancestor + 1)))


class Dropped(ServerMessage, frozen=True, tag="DROPPED"):
    """The items with these keys were sent as preconfirmed, but their block does not have them."""

    keys: list[str]


class PositionUpdate(ServerMessage, frozen=True, tag="POSITION_UPDATE"):
    """A player's position as it stands, as `/api/v1/positions/{address}` has it; null for none.

    In answer to `snapshot` with the `cursor` that it stands for: the end of its block.
    """

    address: str
    position: Any
    cursor: str | UnsetType = UNSET


class ScanWarning(ServerMessage, frozen=True, tag="SCAN_WARNING"):
    """A level's next scan is `seconds_until` seconds away."""

    level: int
    seconds_until: int


class ResetWarning(ServerMessage, frozen=True, tag="SYSTEM_RESET_WARNING"):
    """The system reset strikes in `seconds_until` seconds, at `deadline` (RFC 3339), unless somebody deposits."""

    deadline: str | None
    seconds_until: int


class RoundLocked(ServerMessage, frozen=True, tag="ROUND_LOCKED"):
    """A round takes no more bets since `deadline` (RFC 3339)."""

    round_id: int
    deadline: str | None


class Pong(ServerMessage, frozen=True, tag="PONG"):
    """The answer to PING."""


class Error(ServerMessage, frozen=True, tag="ERROR"):
    """A client's message violates the protocol; `oldest` with `replay_too_old` only."""

    code: ErrorCode
    message: str
    oldest: str | UnsetType = UNSET

    @classmethod
    def of(cls, error: BadMessage) -> "Error":
        return cls(error.code, error.message, UNSET if error.oldest is None else str(error.oldest))


AnyClientMessage = Subscribe | SubscribeUser | Unsubscribe | UnsubscribeUser | Ping
_TYPES: Final = ("SUBSCRIBE", "SUBSCRIBE_USER", "UNSUBSCRIBE", "UNSUBSCRIBE_USER", "PING")
_decoder: Final = msgspec.json.Decoder(AnyClientMessage)


def parse(text: str | None) -> AnyClientMessage:
    """A client's message from its frame; None stands for a binary one. Raises BadMessage."""
    if text is None:
        raise BadMessage("binary_frame", "frames are text, not binary")
    if len(text.encode()) > MOST_FRAME:
        raise BadMessage("frame_too_long", f"a frame has at most {MOST_FRAME} bytes")
    try:
        message: AnyClientMessage = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _violation(text, str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadMessage("bad_json", f"not JSON: {error}") from error
    return message


def _violation(text: str, reason: str) -> BadMessage:
    """What is wrong with a frame that the decoder refused; its reason ends in the field: "… at `$.channels[0]`"."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return BadMessage("bad_json", f"not JSON: {error}")
    if not isinstance(document, dict):
        return BadMessage("bad_message", "a message is a JSON object")
    if unknown := _UNKNOWN.match(reason):
        return BadMessage("unknown_field", f"{document['type']} has no field {unknown[1]!r}")
    field = _FIELD.search(reason)
    name = field[1] if field else "type"
    if name == "channels" and field and field[2]:
        return BadMessage("unknown_channel", f"{reason}; there are {', '.join(CHANNELS)}")
    return BadMessage(*_BAD_FIELDS.get(name, _BAD_FIELDS["type"]))


_BAD_FIELDS: Final[dict[str, tuple[ErrorCode, str]]] = {
    "type": ("unknown_type", f"type must be one of {', '.join(_TYPES)}"),
    "channels": ("bad_channels", "channels must be a list of at least one channel"),
    "address": ("bad_address", "address must be 0x and 40 hex digits"),
    "since": BAD_CURSOR,
    "last": ("bad_message", "last must be a number from 1 to 100"),
    "preconfirmed": ("bad_message", "preconfirmed must be true or false"),
    "snapshot": ("bad_message", "snapshot must be true or false"),
}
"""By field the code and text of the error that says what is wrong with it."""
_UNKNOWN: Final = re.compile("Object contains unknown field `(.*)`", re.DOTALL)
_FIELD: Final = re.compile(r"`(?:\$\.)?(\w+)(\[\d+\])?`$")
_encode: Final = msgspec.json.encode
PONG: Final = Pong().encode()
