"""The stream's topics: which item goes where, and how its message is named."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import FeedItem
from indexer.stream.reader import Position, Step

STREAM: Final = "ghostnet"
SCHEMA_VERSION: Final = 1
FEED: Final = "feed"
PARTITIONS: Final = {
    "positions": 3,
    "scans": 5,
    "deaths": 5,
    "market": 3,
    "system": 1,
    "token": 3,
    "fees": 1,
    FEED: 1,
}
"""Topics with their partitions; messages of one key (a player, a level, a round) stay in order in one of them."""
_TOPIC_OF: Final = {"markets": "market", "tokens": "token"}
_COMMIT: Final = "commit"
_REORG: Final = "reorg"
_EVENT: Final = "event"


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish.

    `id` (128 bits, never 0, for which Iggy would make one up) is the same each time that the same thing is published,
    also when a reorg took it back and another one brings it again.
    """

    id: int
    kind: str
    payload: bytes


Place = tuple[str, int]
"""A topic and a partition of it."""


class EventMessage(msgspec.Struct, tag_field="kind", tag=_EVENT):
    """An item of the feed."""

    id: int
    block_hash: str
    channel: str
    type: str
    in_feed: bool
    key: str
    event: dict[str, Any]

    def item(self) -> FeedItem:
        return FeedItem(self.id, self.channel, self.type, self.in_feed, self.key, self.event)


class ReorgMessage(msgspec.Struct, tag_field="kind", tag=_REORG):
    """Everything above `ancestor_block` did not happen; `reorg` numbers reorgs."""

    ancestor_block: int
    reorg: int


class CommitMessage(msgspec.Struct, tag_field="kind", tag=_COMMIT):
    """All of a commit of the indexer has been told, or, where it is not `complete`, a part of it: in `feed` only, for
    who mirrors a state. What was told are the items above the id `begins`: who has come less far has a gap."""

    block: IndexedBlock
    cursor: int
    reorg: int
    touched: list[str]
    complete: bool = True
    begins: int = 0

    @property
    def reached(self) -> Position:
        return Position(self.cursor, self.reorg)


_decoder: Final = msgspec.json.Decoder(EventMessage | ReorgMessage | CommitMessage)


def decode(payload: bytes) -> EventMessage | ReorgMessage | CommitMessage:
    """A message's payload. Raises msgspec.DecodeError."""
    message: EventMessage | ReorgMessage | CommitMessage = _decoder.decode(payload)
    return message


def messages_of(step: Step, hashes: dict[int, str]) -> dict[Place, list[Message]]:
    """What is to be published of a step, in order for each place; `hashes` are those of the items' blocks."""
    found: dict[Place, list[Message]] = {}

    def tell(places: Iterable[Place], message: Message) -> None:
        for place in places:
            found.setdefault(place, []).append(message)

    if step.ancestor is not None:
        reorg = ReorgMessage(step.ancestor, step.reached.reorg)
        everywhere = ((topic, partition) for topic, count in PARTITIONS.items() for partition in range(count))
        tell(everywhere, _message(_REORG, reorg, step.ancestor, step.reached.reorg))
    for item in step.items:
        block_hash = hashes[item.block_number]
        event = EventMessage(item.id, block_hash, item.channel, item.type, item.in_feed, item.key, item.body)
        tell((place_of(item), (FEED, 0)), _message(_EVENT, event, item.id, block_hash))
    reached, touched = step.reached, sorted(step.touched)
    commit = CommitMessage(step.block, reached.cursor, reached.reorg, touched, step.complete, step.begins)
    tell([(FEED, 0)], _message(_COMMIT, commit, step.block.block_hash, step.block.revision, reached.cursor))
    return found


def place_of(item: FeedItem) -> Place:
    """The topic and partition of an item."""
    topic = _TOPIC_OF.get(item.channel, item.channel)
    if item.key.isdecimal():
        return topic, int(item.key) % PARTITIONS[topic]
    digest = blake2b(item.key.encode(), digest_size=8).digest()
    return topic, int.from_bytes(digest, "big") % PARTITIONS[topic]


def _message(kind: str, content: msgspec.Struct, *name: object) -> Message:
    digest = blake2b(f"{kind} {name}".encode(), digest_size=16).digest()
    return Message(int.from_bytes(digest, "big"), kind, msgspec.json.encode(content))
