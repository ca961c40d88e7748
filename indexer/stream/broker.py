"""What the project asks of a message broker: no more than this, so that there may be several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.base.errors import Retryable
from indexer.stream.topics import Message, Place


class BrokerAway(Retryable):
    """The broker does not answer, or refuses to."""

    help = "Check IGGY_URL and the server. Nothing is lost: events wait in the database, and clients read on from it."


@dataclass(frozen=True, slots=True)
class Received:
    """A published message: its place in the partition, and its content."""

    offset: int
    id: int
    payload: bytes


class Broker(Protocol):
    """Ordered, durable partitions. Every method may wait for the network, for a bounded time; all raise BrokerAway."""

    async def create_topics(self) -> None:
        """Make the stream's topics, those that are missing."""

    async def publish(self, place: Place, messages: Sequence[Message]) -> None:
        """Append messages in order. When it returns they outlive the broker's process; when it raises, any may."""

    async def poll(self, place: Place, offset: int, most: int) -> list[Received]:
        """Messages from an offset on, in order; none if there are none yet."""

    async def end(self, place: Place) -> int:
        """The offset that the next message will have."""
