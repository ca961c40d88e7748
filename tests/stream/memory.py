"""A broker in this process's memory, with the behaviour of a real one and without a network."""

from collections.abc import Sequence

from indexer.stream.broker import BrokerUnavailable, Received
from indexer.stream.topics import Message, TopicPartition, all_partitions


class MemoryBroker:
    """Keeps all published messages; while `unavailable` is True, each call fails as if there were no connection."""

    def __init__(self) -> None:
        self.unavailable = False
        self._partitions: dict[TopicPartition, list[Received]] = {}

    async def create_topics(self) -> None:
        self._check()
        for partition in all_partitions():
            self._partitions.setdefault(partition, [])

    async def publish(self, partition: TopicPartition, messages: Sequence[Message]) -> None:
        kept = self._messages(partition)
        for message in messages:
            offset = kept[-1].offset + 1 if kept else 0
            kept.append(Received(offset, message.id, message.payload))

    async def poll(self, partition: TopicPartition, offset: int, limit: int) -> list[Received]:
        return [one for one in self._messages(partition) if one.offset >= offset][:limit]

    async def end(self, partition: TopicPartition) -> int:
        kept = self._messages(partition)
        return kept[-1].offset + 1 if kept else 0

    def lose(self, partition: TopicPartition, messages: slice) -> None:
        """Remove some of a partition's messages, as a crash or retention does."""
        del self._messages(partition)[messages]

    def _check(self) -> None:
        if self.unavailable:
            raise BrokerUnavailable("the broker in memory is set to be unavailable")

    def _messages(self, partition: TopicPartition) -> list[Received]:
        self._check()
        return self._partitions[partition]
