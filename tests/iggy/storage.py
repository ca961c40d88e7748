"""The stand-in's storage in memory: streams, topics, partitions and consumer groups."""

import struct
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from tests.iggy.wire import HEADER, Failure, Refused, block, text

UNLIMITED: Final = (1 << 64) - 1
MESSAGE_HEADER: Final = 48
Consumer = tuple[int, int | str]


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


@dataclass
class Batch:
    """Messages as they were sent together; `frames` are their places in `data`."""

    base: int
    data: bytes
    frames: list[tuple[int, int]]

    def part(self, first: int, end: int) -> bytes:
        """Some of the messages as a batch of their own."""
        if (first, end) == (0, len(self.frames)):
            return self.data
        header = bytearray(self.data[:HEADER])
        body = self.data[self.frames[first][0] : self.frames[end - 1][1]]
        struct.pack_into("<Q", header, 32, HEADER + len(body))
        struct.pack_into("<I", header, 48, end - first)
        return bytes(header) + body


@dataclass
class Partition:
    """Batches in order, and how far each consumer has come."""

    number: int
    created: int = field(default_factory=now)
    batches: list[Batch] = field(default_factory=list)
    count: int = 0
    size: int = 0
    offsets: dict[Consumer, int] = field(default_factory=dict)

    @property
    def current(self) -> int:
        return max(0, self.count - 1)

    def append(self, data: bytes, expected: int) -> int:
        """Keep a batch; the offset of its first message."""
        kept = bytearray(data)
        struct.pack_into("<QQQ", kept, 0, self.number, self.count, now())
        frames, place = [], HEADER
        while place < len(kept):
            headers, payload = struct.unpack_from("<II", kept, place + 32)
            frames.append((place, place + MESSAGE_HEADER + headers + payload))
            place = frames[-1][1]
        if place != len(kept) or len(frames) != expected:
            raise Refused(Failure.COMMAND)
        self.batches.append(Batch(self.count, bytes(kept), frames))
        base, self.count, self.size = self.count, self.count + expected, self.size + len(kept)
        return base

    def read(self, start: int, most: int) -> tuple[int, bytes]:
        """So many messages from an offset on: how many there are, and their batches."""
        parts, found = [], 0
        first = max(0, bisect_right([batch.base for batch in self.batches], start) - 1)
        for batch in self.batches[first:]:
            begin, end = max(0, start - batch.base), min(len(batch.frames), max(0, start - batch.base) + most - found)
            if begin < end:
                parts.append(batch.part(begin, end))
                found += end - begin
        return found, b"".join(parts)

    def details(self) -> bytes:
        return struct.pack("<IQIQQQ", self.number, self.created, 1, self.current, self.size, self.count)


@dataclass
class Group:
    """A consumer group: its members share the partitions."""

    number: int
    name: str
    members: list[bytes] = field(default_factory=list)
    generation: int = 0

    def change(self, client: bytes, joins: bool) -> None:
        if joins != (client in self.members):
            self.generation += 1
            self.members.append(client) if joins else self.members.remove(client)

    def partitions_of(self, client: bytes, count: int) -> list[int]:
        if client not in self.members:
            raise Refused(Failure.MEMBER_MISSING)
        place = self.members.index(client)
        return [number for number in range(count) if number % len(self.members) == place]

    def header(self, partitions: int) -> bytes:
        return struct.pack("<III", self.number, partitions, len(self.members)) + text(self.name)

    def details(self, partitions: int) -> bytes:
        shares = [self.partitions_of(member, partitions) for member in self.members]
        members = (struct.pack(f"<II{len(s)}I", place, len(s), *s) for place, s in enumerate(shares))
        return self.header(partitions) + b"".join(members)


@dataclass
class Topic:
    """A topic with its partitions."""

    number: int
    name: str
    options: bytes
    partitions: list[Partition] = field(default_factory=list)
    created: int = field(default_factory=now)
    groups: dict[int | str, Group] = field(default_factory=dict)

    def add_partitions(self, count: int) -> None:
        first = len(self.partitions)
        self.partitions += [Partition(number) for number in range(first, first + count)]

    def partition(self, number: int | None) -> Partition:
        if (number or 0) >= len(self.partitions):
            raise Refused(Failure.PARTITION_MISSING)
        return self.partitions[number or 0]

    def group(self, name: int | str) -> Group:
        if name not in self.groups:
            raise Refused(Failure.GROUP_MISSING)
        return self.groups[name]

    def consumer(self, kind: int, name: int | str) -> Consumer:
        return (kind, name if kind == 1 else self.group(name).number)

    def header(self) -> bytes:
        size = sum(partition.size for partition in self.partitions)
        count = sum(partition.count for partition in self.partitions)
        figures = (self.number, self.created, len(self.partitions), UNLIMITED, 1, UNLIMITED, size, count)
        return struct.pack("<IQIQBQQQ", *figures) + text(self.name) + block(self.options) + block(b"")

    def details(self) -> bytes:
        return self.header() + b"".join(partition.details() for partition in self.partitions)


@dataclass
class Stream:
    """A stream with its topics, by number and by name."""

    number: int
    name: str
    created: int = field(default_factory=now)
    topics: dict[int | str, Topic] = field(default_factory=dict)

    def topic(self, name: int | str) -> Topic:
        if name not in self.topics:
            raise Refused(Failure.TOPIC_MISSING)
        return self.topics[name]

    def details(self) -> bytes:
        topics = list({id(topic): topic for topic in self.topics.values()}.values())
        partitions = [partition for topic in topics for partition in topic.partitions]
        sizes = (sum(one.size for one in partitions), sum(one.count for one in partitions))
        header = struct.pack("<IQIQQ", self.number, self.created, len(topics), *sizes) + text(self.name) + block(b"")
        return header + b"".join(topic.header() for topic in topics)
