"""The stream's topics: what its messages are, and to which partition each item goes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import FEED_CHANNEL, FeedEvent, FeedItem
from indexer.stream.reader import FeedCursor, Step


class TopicPartition(NamedTuple):
    """A partition of a topic; messages are in order inside one."""

    topic: str
    partition: int


STREAM: Final = "ghostnet"
SCHEMA_VERSION: Final = 1
FEED: Final = TopicPartition("feed", 0)
"""The only partition that has all items in chain order, and a message after each commit."""
_TOPICS: Final = {
    "positions": ("positions", 3),
    "scans": ("scans", 5),
    "deaths": ("deaths", 5),
    "markets": ("market", 3),
    "system": ("system", 1),
    "tokens": ("token", 3),
    "fees": ("fees", 1),
    FEED_CHANNEL: (FEED.topic, 1),
}
"""By channel the topic, and the number of its partitions; items with one key (a player, a level, a round) go to the
same one."""
PARTITIONS: Final = dict(_TOPICS.values())
"""The number of partitions of each topic."""
_COMMIT: Final = "commit"
_REORG: Final = "reorg"
_EVENT: Final = "event"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish.

    `id` (128 bits, never 0, which Iggy would replace by a random one) is the same whenever the same thing is
    published, also when a reorg dropped it and another one brings it back.
    """

    id: int
    kind: str
    payload: bytes


class EventMessage(msgspec.Struct, tag_field="kind", tag=_EVENT):
    """An item of the feed, and the hash of its block."""

    id: int
    block_hash: str
    channel: str
    type: str
    in_feed: bool
    key: str
    event: FeedEvent
    ordinal: int = 0

    def item(self) -> FeedItem:
        return FeedItem(self.id, self.channel, self.in_feed, self.key, self.event, self.ordinal)


class ReorgMessage(msgspec.Struct, tag_field="kind", tag=_REORG):
    """All blocks above `ancestor_block` were dropped; `reorg` is the reorg's id, which rises."""

    ancestor_block: int
    reorg: int


class CommitMessage(msgspec.Struct, tag_field="kind", tag=_COMMIT):
    """The messages before this one are all of a commit or, where it is not `complete`, a part of it.

    Only in FEED, for readers that mirror a state. `cursor` and `reorg` are the FeedCursor reached. The messages are all
    items above the id `begins`: a reader whose own cursor is below it has missed some. `touched` are the players whose
    positions changed.
    """

    block: IndexedBlock
    cursor: int
    reorg: int
    touched: list[str]
    complete: bool = True
    begins: int = 0

    @property
    def reached(self) -> FeedCursor:
        return FeedCursor(self.cursor, self.reorg)


FeedMessage = EventMessage | ReorgMessage | CommitMessage
_decoder: Final = msgspec.json.Decoder(FeedMessage)


def decode(payload: bytes) -> FeedMessage:
    """A message from its payload. Raises msgspec.DecodeError."""
    message: FeedMessage = _decoder.decode(payload)
    return message


def all_partitions() -> Iterator[TopicPartition]:
    """All partitions of all topics."""
    return (TopicPartition(topic, number) for topic, count in PARTITIONS.items() for number in range(count))


def messages_of(step: Step, hashes: dict[int, str]) -> dict[TopicPartition, list[Message]]:
    """The messages to publish for a step, in order for each partition; `hashes` are those of the items' blocks."""
    found: dict[TopicPartition, list[Message]] = {}

    def add(partitions: Iterable[TopicPartition], message: Message) -> None:
        for partition in partitions:
            found.setdefault(partition, []).append(message)

    reached = step.cursor
    if step.ancestor is not None:
        reorg = ReorgMessage(step.ancestor, reached.reorg_id)
        add(all_partitions(), _message(_REORG, reorg, step.ancestor, reached.reorg_id))
    for item in step.items:
        block_hash = hashes[item.block_number]
        event = EventMessage(
            item.id, block_hash, item.channel, item.type, item.in_feed, item.key, item.event, item.ordinal
        )
        add((partition_of(item), FEED), _message(_EVENT, event, item.id, block_hash))
    touched = sorted(step.touched)
    commit = CommitMessage(step.block, reached.event_id, reached.reorg_id, touched, step.complete, step.after)
    add([FEED], _message(_COMMIT, commit, step.block.block_hash, step.block.revision, reached.event_id))
    return found


def partition_of(item: FeedItem) -> TopicPartition:
    """The partition of an item in its channel's topic."""
    topic, partitions = _TOPICS[item.channel]
    if item.key.isdecimal():
        return TopicPartition(topic, int(item.key) % partitions)
    digest = blake2b(item.key.encode(), digest_size=8).digest()
    return TopicPartition(topic, int.from_bytes(digest, "big") % partitions)


def _message(kind: str, content: msgspec.Struct, *name: object) -> Message:
    digest = blake2b(f"{kind} {name}".encode(), digest_size=16).digest()
    return Message(int.from_bytes(digest, "big"), kind, msgspec.json.encode(content))
