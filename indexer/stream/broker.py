"""What the project requires of a message broker, as a Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from indexer.base.errors import Retryable
from indexer.stream.topics import Message, TopicPartition


class BrokerUnavailable(Retryable):
    """The broker does not answer, or refuses a call."""

    help = "Check IGGY_URL and the server. Nothing is lost: events wait in the database, and clients read on from it."


class OtherVersion(BrokerUnavailable):
    """Client and server are of different versions, and do not understand each other."""

    help = (
        "Run the server of the client's version, as docker-compose.yml does. Nothing is lost: events wait in the"
        " database, and clients read on from it."
    )


@dataclass(frozen=True, slots=True)
class Received:
    """A published message: its offset in the partition, its message id, and its content."""

    offset: int
    id: int
    payload: bytes


class Broker(Protocol):
    """Ordered, durable partitions. Each method may wait for the network, for a bounded time; each raises
    BrokerUnavailable."""

    async def create_topics(self) -> None:
        """Create those of the stream's topics that are missing."""

    async def publish(self, partition: TopicPartition, messages: Sequence[Message]) -> None:
        """Append messages in order.

        After a normal return they outlive the broker's process; after an exception any of them may have been appended.
        """

    async def poll(self, partition: TopicPartition, offset: int, limit: int) -> list[Received]:
        """At most `limit` messages from an offset on, in order; an empty list if there are none yet."""

    async def end(self, partition: TopicPartition) -> int:
        """The offset that the next message will have."""


def broker_at(url: str, chain_id: int) -> Broker:
    """The Apache Iggy server at an address; only then is its client library imported. Does not connect yet."""
    broker: Broker = import_module("indexer.stream.iggy").IggyBroker(url, chain_id)
    return broker
