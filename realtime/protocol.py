"""The messages of `/ws` (docs/realtime.md) as msgspec structs: those of clients, and those of the server.

The structs are the protocol's definition: names, types, bounds. `parse` turns what violates it into the error codes
that are promised to clients.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.base.errors import GhostnetError
from indexer.domain.units import ADDRESS_PATTERN, MAX_ID, Address, first_id
from indexer.selectors.addresses import checksummed
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.event_data import Level
from indexer.stream.feed import CHANNELS, Channel
from realtime.socket_writer import MAX_FRAME_BYTES

Channels = Annotated[tuple[Channel, ...], Meta(min_length=1, description="The channels, at least one.")]
Player = Annotated[
    str, Meta(pattern=f"^{ADDRESS_PATTERN}$", max_length=42, description="The player's address, in any casing.")
]
Since = Annotated[
    str, Meta(pattern="^[0-9]{1,19}$", description="The cursor to go on from: the last id that was seen.")
]
Last = Annotated[int, Meta(ge=1, le=100, description="How many of the newest events are sent first.")]
Preconfirmed = Annotated[bool, Meta(description="Whether events are wanted before their block, too.")]
Cursor = Annotated[str, Meta(pattern="^[0-9]+$", description="A cursor: an event's place in the chain.")]
Deadline = Annotated[str, Meta(description="RFC 3339, in UTC; null for what no calendar holds.")]
Seconds = Annotated[int, Meta(ge=0, description="Seconds until then.")]

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
        # A pattern's `$` also matches before a final line break, and a pattern can't bound a number.
        if self.since is not None and not (self.since.isdecimal() and int(self.since) <= MAX_ID):
            raise BadMessage(*BAD_CURSOR)

    @property
    def cursor(self) -> int | None:
        return None if self.since is None else int(self.since)


class Subscribe(ResumableMessage, frozen=True, tag="SUBSCRIBE"):
    """Subscribe to channels, from `since` on or from now on; with `last`, and without `since`, after the newest so many
    events; with `preconfirmed` to events before their block, too. What the connection has been sent is not repeated."""

    channels: Channels
    last: Last | None = None
    preconfirmed: Preconfirmed = False


class SubscribeUser(ResumableMessage, frozen=True, tag="SUBSCRIBE_USER"):
    """Subscribe to a player's position, and SURVIVED; with `since` what was missed of the latter is sent, with either
    `since` or `snapshot` the position at once; with `preconfirmed` SURVIVED before its block, too."""

    address: Player
    snapshot: Annotated[bool, Meta(description="Whether the position is wanted at once, with its cursor.")] = False
    preconfirmed: Preconfirmed = False

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
    """A message of the server; FEED_EVENT is `indexer.stream.feed.FeedEventMessage`."""

    def encode(self) -> bytes:
        return _encode(self)


class ConnectionState(ServerMessage, frozen=True, tag="CONNECTION_STATE"):
    """The first message of a connection: the last indexed block, null for none, and the cursor at its end."""

    status: Annotated[Literal["connected"], Meta(description="Always `connected`.")]
    indexed_block: Annotated[int, Meta(description="The last indexed block.")] | None
    head: Cursor

    @classmethod
    def of(cls, block: IndexedBlock | None, head: int) -> "ConnectionState":
        return cls("connected", None if block is None else block.block_number, str(head))


class Subscribed(ServerMessage, frozen=True, tag="SUBSCRIBED"):
    """All that a client is subscribed to, addresses with their checksums; `head` is the cursor above which events come
    live."""

    channels: Annotated[list[str], Meta(description="The channels.")]
    users: Annotated[list[str], Meta(description="The watched players' addresses.")]
    head: Cursor

    @classmethod
    def of(cls, channels: Iterable[str], users: Iterable[str], head: int) -> "Subscribed":
        return cls(sorted(channels), sorted(map(checksummed, users)), str(head))


class Reorg(ServerMessage, frozen=True, tag="REORG"):
    """All blocks above `ancestor_block` were dropped, and all items from the id `dropped_from` on."""

    ancestor_block: Annotated[int, Meta(description="The last block that stays.")]
    dropped_from: Annotated[str, Meta(pattern="^[0-9]+$", description="The lowest id that is dropped.")]

    @classmethod
    def of(cls, ancestor: int) -> "Reorg":
        return cls(ancestor, str(first_id(ancestor + 1)))


class Dropped(ServerMessage, frozen=True, tag="DROPPED"):
    """The items with these keys were sent as preconfirmed, but their block does not have them."""

    keys: Annotated[list[str], Meta(description="The `key` of each.")]


class PositionUpdate(ServerMessage, frozen=True, tag="POSITION_UPDATE"):
    """A player's position as it stands, as `/api/v1/positions/{address}` has it; null for none.

    In answer to `snapshot` with the `cursor` that it stands for: the end of its block. With `status` as a transaction
    that is in no block yet leaves it; the block is followed by another one, without.
    """

    address: Annotated[str, Meta(description="The player, EIP-55 checksummed.")]
    position: Any
    cursor: Cursor | UnsetType = UNSET
    status: (
        Annotated[Literal["preconfirmed"], Meta(description="Of a position that is in no block yet.")] | UnsetType
    ) = UNSET


class ScanWarning(ServerMessage, frozen=True, tag="SCAN_WARNING"):
    """A level's next scan is `seconds_until` seconds away."""

    level: Level
    seconds_until: Seconds


class ResetWarning(ServerMessage, frozen=True, tag="SYSTEM_RESET_WARNING"):
    """The system reset strikes in `seconds_until` seconds, at `deadline` (RFC 3339), unless somebody deposits."""

    deadline: Deadline | None
    seconds_until: Seconds


class RoundLocked(ServerMessage, frozen=True, tag="ROUND_LOCKED"):
    """A round takes no more bets since `deadline` (RFC 3339)."""

    round_id: Annotated[int, Meta(description="The round's number.")]
    deadline: Deadline | None


class Pong(ServerMessage, frozen=True, tag="PONG"):
    """The answer to PING."""


class Error(ServerMessage, frozen=True, tag="ERROR"):
    """A client's message violates the protocol; `oldest` with `replay_too_old` only."""

    code: Annotated[ErrorCode, Meta(description="What kind of violation it is.")]
    message: Annotated[str, Meta(description="What is wrong, in words.")]
    oldest: Annotated[str, Meta(description="The oldest cursor that is still served.")] | UnsetType = UNSET

    @classmethod
    def of(cls, error: BadMessage) -> "Error":
        return cls(error.code, error.message, UNSET if error.oldest is None else str(error.oldest))


AnyClientMessage = Subscribe | SubscribeUser | Unsubscribe | UnsubscribeUser | Ping
_TYPES: Final = tuple(str(kind.__struct_config__.tag) for kind in get_args(AnyClientMessage))
_decoder: Final = msgspec.json.Decoder(AnyClientMessage)


def parse(text: str | None) -> AnyClientMessage:
    """A client's message from its frame; None stands for a binary one. Raises BadMessage."""
    if text is None:
        raise BadMessage("binary_frame", "frames are text, not binary")
    if len(text.encode()) > MAX_FRAME_BYTES:
        raise BadMessage("frame_too_long", f"a frame has at most {MAX_FRAME_BYTES} bytes")
    try:
        message: AnyClientMessage = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _violation(text, str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadMessage("bad_json", f"not JSON: {error}") from error
    return message


def _violation(text: str, reason: str) -> BadMessage:
    """The error for a frame that the decoder refused; its reason ends in the field: "… at `$.channels[0]`"."""
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
