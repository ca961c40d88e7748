"""Iggy's binary protocol 0.11: headers of 256 bytes, little-endian bodies."""

import struct
from enum import IntEnum
from typing import Final

HEADER: Final = 256
REQUEST, REPLY, EVICTION = 5, 8, 13
MAX_MESSAGE_BYTES: Final = 64 << 20


class Operation(IntEnum):
    """The byte of a request's header that says what is asked."""

    REGISTER = 1
    READ = 2
    """What replicas need not agree on; a code beside it says which."""
    LOGOUT = 3
    CREATE_STREAM = 128
    CREATE_TOPIC = 132
    CREATE_PARTITIONS = 136
    CREATE_GROUP = 139
    JOIN_GROUP = 148
    LEAVE_GROUP = 149
    SEND = 160
    STORE_OFFSET = 161


class Code(IntEnum):
    """What a READ asks for."""

    PING = 1
    STATS = 10
    CLUSTER = 12
    POLL = 100
    GET_OFFSET = 120
    GET_STREAM = 200
    GET_TOPIC = 300
    GET_GROUP = 600
    SYNC_GROUP = 606


FRAMED: Final = {
    Operation.CREATE_STREAM,
    Operation.CREATE_TOPIC,
    Operation.CREATE_PARTITIONS,
    Operation.CREATE_GROUP,
    Operation.JOIN_GROUP,
    Operation.LEAVE_GROUP,
    Operation.STORE_OFFSET,
}
"""Operations whose answers begin with a result of their own."""


class Failure(IntEnum):
    """The server's error codes."""

    COMMAND = 3
    UNAUTHENTICATED = 40
    STREAM_MISSING = 1009
    STREAM_EXISTS = 1012
    TOPIC_MISSING = 2010
    TOPIC_EXISTS = 2013
    PARTITION_MISSING = 3007
    GROUP_MISSING = 5000
    GROUP_EXISTS = 5004
    MEMBER_MISSING = 5006


class Refused(Exception):
    """A request that can't be done."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.name)


class Body:
    """Reads a request's body from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, size: int) -> bytes:
        if self._place + size > len(self._data):
            raise Refused(Failure.COMMAND)
        self._place += size
        return self._data[self._place - size : self._place]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def text(self) -> str:
        return self.take(self.u8()).decode()

    def identifier(self) -> int | str:
        """A number or a name."""
        kind, value = self.u8(), self.take(self.u8())
        return int.from_bytes(value, "little") if kind == 1 else value.decode()

    def partition(self) -> int | None:
        given, value = self.u8(), self.u32()
        return value if given else None

    def rest(self) -> bytes:
        return self._data[self._place :]


def text(value: str) -> bytes:
    """A short text as the protocol has it."""
    return bytes((len(value),)) + value.encode()


def block(value: bytes) -> bytes:
    """Bytes with their length before them."""
    return struct.pack("<I", len(value)) + value


def reply(request: bytes, operation: int, number: int, status: int, body: bytes) -> bytes:
    """An answer to the request with this header; `number` counts answers."""
    header = bytearray(HEADER)
    struct.pack_into("<I", header, 48, HEADER + len(body))
    header[60] = REPLY
    header[128:144] = request[144:160]
    header[160:176] = request[128:144]
    struct.pack_into("<QQ", header, 176, number, number)
    header[200:208] = request[168:176]
    header[208] = operation
    struct.pack_into("<I", header, 216, status)
    return bytes(header) + body


def eviction(request: bytes, reason: int) -> bytes:
    """The farewell to a client whose login is wrong."""
    header = bytearray(HEADER)
    struct.pack_into("<I", header, 48, HEADER)
    header[60] = EVICTION
    header[128:144] = request[128:144]
    header[255] = reason
    return bytes(header)
