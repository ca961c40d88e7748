"""A broker in this process's memory, for tests: what the others do, without a network."""

from collections.abc import Sequence

from indexer.stream.broker import BrokerAway, Received
from indexer.stream.topics import PARTITIONS, Message, Place


class MemoryBroker:
    """Keeps everything that was published; `away` makes it fail as one that can't be reached."""

    def __init__(self) -> None:
        self.away = False
        self._partitions: dict[Place, list[Received]] = {}

    async def create_topics(self) -> None:
        self._check()
        for topic, count in PARTITIONS.items():
            for partition in range(count):
                self._partitions.setdefault((topic, partition), [])

    async def publish(self, place: Place, messages: Sequence[Message]) -> None:
        kept = self._partition(place)
        for message in messages:
            offset = kept[-1].offset + 1 if kept else 0
            kept.append(Received(offset, message.id, message.payload))

    async def poll(self, place: Place, offset: int, most: int) -> list[Received]:
        return [one for one in self._partition(place) if one.offset >= offset][:most]

    async def end(self, place: Place) -> int:
        kept = self._partition(place)
        return kept[-1].offset + 1 if kept else 0

    def lose(self, place: Place, messages: slice) -> None:
        """Forget some of a partition's messages, as a crash or retention does."""
        del self._partition(place)[messages]

    def _check(self) -> None:
        if self.away:
            raise BrokerAway("told to be away")

    def _partition(self, place: Place) -> list[Received]:
        self._check()
        return self._partitions[place]
