"""The stand-in's server: on a thread, so that tests that block can talk to it."""

import asyncio
import ssl
import struct
import threading
from typing import Self

from indexer.stream.iggy import CLIENT
from tests.iggy.storage import Group, Partition, Stream, Topic
from tests.iggy.wire import (
    FRAMED,
    HEADER,
    MAX_MESSAGE_BYTES,
    REQUEST,
    Body,
    Code,
    Failure,
    Operation,
    Refused,
    block,
    eviction,
    reply,
    text,
)

PROTOCOL = 11 << 10
STATS_FIGURES = 3 * 4 + 8 * 8 + 4 * 4 + 8 + 2 * 4
"""Bytes of the figures before the texts in a server's statistics."""
WRONG_LOGIN = 9


class StandIn:
    """`with StandIn() as server:` listens on `server.port`; messages survive `stop` and `start`.

    With `silent` it reads requests and answers none; with `tls` it uses TLS; `version` is the version that it reports.
    """

    def __init__(
        self, user: str = "iggy", password: str = "iggy", tls: ssl.SSLContext | None = None, version: str = CLIENT
    ) -> None:
        self._version = version
        self.port = 0
        self._tls = tls
        self.silent = False
        self.streams: dict[int | str, Stream] = {}
        self.login = (user, password)
        self._answers = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        scheme = "iggy+tls" if self._tls else "iggy"
        return f"{scheme}://{self.login[0]}:{self.login[1]}@127.0.0.1:{self.port}"

    def has_topic(self, name: str) -> bool:
        """Whether the stream `ghostnet` has a topic of this name."""
        return "ghostnet" in self.streams and name in self.streams["ghostnet"].topics

    def forget(self) -> None:
        """Delete all streams with all messages."""
        self.streams.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        while serving := asyncio.all_tasks() - {asyncio.current_task()}:  # also whom it is about to accept
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.wait(serving, timeout=0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        client, known = b"", False
        try:
            while True:
                header = await reader.readexactly(HEADER)
                size = struct.unpack_from("<I", header, 48)[0]
                if header[60] != REQUEST or not HEADER <= size <= MAX_MESSAGE_BYTES:
                    return
                body = Body(await reader.readexactly(size - HEADER))
                client, operation = header[128:144], header[176]
                if self.silent:
                    continue
                if operation == Operation.REGISTER:
                    known = self._accepts_login(body)
                    if not known:
                        writer.write(eviction(header, WRONG_LOGIN))
                        return
                    answer = struct.pack("<IIQI", 0, 1, self._answers + 1, PROTOCOL) + text(self._version)
                    writer.write(self._reply(header, operation, 0, answer))
                else:
                    writer.write(self._answer(header, operation, client, known, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()
            self._forget(client)

    def _accepts_login(self, body: Body) -> bool:
        body.u32()
        body.text()
        body.text()
        return (body.text(), body.text()) == self.login

    def _answer(self, header: bytes, operation: int, client: bytes, known: bool, body: Body) -> bytes:
        framed = operation in FRAMED
        try:
            found = self._execute(header, operation, client, known, body)
        except Refused as refused:
            if framed:
                return self._reply(header, operation, 0, struct.pack("<III", 1, 0, refused.failure))
            return self._reply(header, operation, refused.failure, b"")
        return self._reply(header, operation, 0, struct.pack("<I", 0) + found if framed else found)

    def _reply(self, header: bytes, operation: int, status: int, body: bytes) -> bytes:
        self._answers += 1
        return reply(header, operation, self._answers, status, body)

    def _execute(  # noqa: C901, PLR0911, PLR0912 - one answer per command
        self, header: bytes, operation: int, client: bytes, known: bool, body: Body
    ) -> bytes:
        code = struct.unpack_from("<I", header, 196)[0] if operation == Operation.READ else None
        if code == Code.PING or operation == Operation.LOGOUT:
            return b""
        if code == Code.CLUSTER:
            ports = struct.pack("<HHHHBB", self.port, 0, 0, 0, 0, 0)
            return block(b"stand-in") + struct.pack("<I", 1) + block(b"node") + block(b"127.0.0.1") + ports
        if not known:
            raise Refused(Failure.UNAUTHENTICATED)
        match operation, code:
            case _, Code.STATS:
                host = b"".join(map(block, (b"host", b"os", b"1", b"kernel", self._version.encode())))
                return bytes(STATS_FIGURES) + host + bytes(4 + 4 + 4 + 8 + 8)
            case Operation.CREATE_STREAM, _:
                return self._create_stream(body.text())
            case _, Code.GET_STREAM:
                stream = self.streams.get(body.identifier())
                return stream.details() if stream else b""
            case Operation.CREATE_TOPIC, _:
                return self._create_topic(body)
            case Operation.CREATE_PARTITIONS, _:
                self._topic(body).add_partitions(body.u32())
                return b""
            case _, Code.GET_TOPIC:
                owner, name = self.streams.get(body.identifier()), body.identifier()
                return owner.topics[name].details() if owner and name in owner.topics else b""
            case Operation.SEND, _:
                return self._send(body)
            case _, Code.POLL:
                return self._poll(body)
            case Operation.STORE_OFFSET, _:
                consumer, _, partition = self._consumer(body)
                partition.offsets[consumer] = body.u64()
                return b""
            case _, Code.GET_OFFSET:
                consumer, _, partition = self._consumer(body)
                stored = partition.offsets.get(consumer)
                return b"" if stored is None else struct.pack("<IQQ", partition.number, partition.current, stored)
            case _:
                return self._execute_on_group(operation, code, client, body)

    def _execute_on_group(self, operation: int, code: int | None, client: bytes, body: Body) -> bytes:
        topic = self._topic(body)
        count = len(topic.partitions)
        if operation == Operation.CREATE_GROUP:
            name = body.text()
            if name in topic.groups:
                raise Refused(Failure.GROUP_EXISTS)
            group = Group(len(topic.groups) // 2, name)
            topic.groups |= {group.number: group, name: group}
            return group.header(count)
        name_or_number = body.identifier()
        if code == Code.GET_GROUP:
            return topic.groups[name_or_number].details(count) if name_or_number in topic.groups else b""
        group = topic.group(name_or_number)
        if operation in (Operation.JOIN_GROUP, Operation.LEAVE_GROUP):
            group.change(client, operation == Operation.JOIN_GROUP)
            return b""
        if code == Code.SYNC_GROUP:
            share = group.partitions_of(client, count)
            return struct.pack(f"<QI{len(share)}I", group.generation, len(share), *share)
        raise Refused(Failure.COMMAND)

    def _stream(self, body: Body) -> Stream:
        name = body.identifier()
        if name not in self.streams:
            raise Refused(Failure.STREAM_MISSING)
        return self.streams[name]

    def _topic(self, body: Body) -> Topic:
        return self._stream(body).topic(body.identifier())

    def _consumer(self, body: Body) -> tuple[tuple[int, int | str], Topic, Partition]:
        kind, name = body.u8(), body.identifier()
        topic = self._topic(body)
        return topic.consumer(kind, name), topic, topic.partition(body.partition())

    def _create_stream(self, name: str) -> bytes:
        if name in self.streams:
            raise Refused(Failure.STREAM_EXISTS)
        stream = Stream(len(self.streams) // 2, name)
        self.streams |= {stream.number: stream, name: stream}
        return stream.details()

    def _create_topic(self, body: Body) -> bytes:
        stream, count, name = self._stream(body), body.u32(), body.text()
        if name in stream.topics:
            raise Refused(Failure.TOPIC_EXISTS)
        topic = Topic(len(stream.topics) // 2, name, body.rest())
        topic.add_partitions(count)
        stream.topics |= {topic.number: topic, name: topic}
        return topic.details()

    def _send(self, body: Body) -> bytes:
        place = Body(body.take(body.u32()))
        stream = self._stream(place)
        topic = stream.topic(place.identifier())
        kind, key, count = place.u8(), place.take(place.u8()), place.u32()
        if kind != 2:
            raise Refused(Failure.COMMAND)
        partition = topic.partition(int.from_bytes(key, "little"))
        base = partition.append(body.rest(), count)
        return struct.pack("<IIIIQ", 1, stream.number, topic.number, partition.number, base)

    def _poll(self, body: Body) -> bytes:
        consumer, _, partition = self._consumer(body)
        strategy, value, most, commit = body.u8(), body.u64(), body.u32(), body.u8()
        starts = {1: value, 3: 0, 4: max(0, partition.count - most), 5: partition.offsets.get(consumer, -1) + 1}
        if strategy not in starts:
            raise Refused(Failure.COMMAND)
        start = starts[strategy]
        count, batches = partition.read(start, most)
        if commit and count:
            partition.offsets[consumer] = start + count - 1
        return struct.pack("<IQI", partition.number, partition.current, count) + batches

    def _forget(self, client: bytes) -> None:
        for stream in self.streams.values():
            for topic in stream.topics.values():
                for group in topic.groups.values():
                    group.change(client, joins=False)
