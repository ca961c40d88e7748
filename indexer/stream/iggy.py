"""Apache Iggy as the broker: its client library, with bounded waits and a new connection after each failure."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from apache_iggy import (
    AutoLogin,
    Consumer,
    HeaderKey,
    HeaderValue,
    IggyClient,
    Partitioning,
    PollingStrategy,
    SendMessage,
    TcpConfig,
    TcpReconnectionConfig,
)

from indexer.stream.broker import BrokerUnavailable, OtherVersion, Received
from indexer.stream.topics import PARTITIONS, SCHEMA_VERSION, STREAM, Message, TopicPartition

T = TypeVar("T")
_Request = Callable[[IggyClient], Awaitable[Any]]

CLIENT: Final = version("apache-iggy")
"""The client's version, which must be the server's."""
CALL_SECONDS: Final = 5.0
"""Seconds that a call may take."""
PROBE_SECONDS: Final = 1.0
"""Seconds in which a server of the protocol before 0.9 must have shown that it is one."""
MAX_SENT_MESSAGES: Final = 1_000
"""Messages of one call."""
PORT: Final = 8090
_CONSUMER: Final = Consumer.Single("ghostnet")


class IggyBroker:
    """A server at `iggy://user:password@host:port`, or `iggy+tls://…?ca=file` for TLS.

    `chain_id` goes into each message's headers. The first call connects and logs in, and so does the first call after
    a failure. Offsets are kept by the callers: the server stores none.
    """

    def __init__(self, url: str, chain_id: int) -> None:
        self._url = url
        self._chain_id = chain_id
        self._client: IggyClient | None = None
        self._server: str | None = None
        """The server's version; None as long as it is unknown."""

    async def create_topics(self) -> None:
        """Two processes may find a topic missing at once; the slower one then finds it created. A topic that another
        program has made, with fewer partitions, gets those that it lacks."""
        await self._ensure(
            f"stream {STREAM}", lambda client: client.get_stream(STREAM), lambda client: client.create_stream(STREAM)
        )
        for topic, partitions in PARTITIONS.items():
            found = await self._ensure(
                f"topic {topic}",
                partial(IggyClient.get_topic, stream_id=STREAM, topic_id=topic),
                partial(
                    IggyClient.create_topic,
                    stream=STREAM,
                    name=topic,
                    partitions_count=partitions,
                    messages_required_to_save=1,  # by default 1,024 stay in the server's memory only
                ),
            )
            if found is not None and found.partitions_count < partitions:
                client = await self._connected()
                lacking = partitions - found.partitions_count
                await self._call(f"partitions of topic {topic}", client.create_partitions(STREAM, topic, lacking))

    async def publish(self, partition: TopicPartition, messages: Sequence[Message]) -> None:
        topic, number = partition
        client = await self._connected()
        for start in range(0, len(messages), MAX_SENT_MESSAGES):
            sent = [
                SendMessage(one.payload, self._headers(one), one.id)
                for one in messages[start : start + MAX_SENT_MESSAGES]
            ]
            work = client.send_messages(STREAM, topic, Partitioning.partition_id(number), sent)
            await self._call(_place(partition), work)

    async def poll(self, partition: TopicPartition, offset: int, limit: int) -> list[Received]:
        topic, number = partition
        client = await self._connected()
        work = client.poll_messages(
            STREAM,
            topic,
            consumer=_CONSUMER,
            polling_strategy=PollingStrategy.Offset(offset),
            count=limit,
            auto_commit=False,
            partition_id=number,
        )
        return [Received(one.offset(), one.id(), one.payload()) for one in await self._call(_place(partition), work)]

    async def end(self, partition: TopicPartition) -> int:
        topic, number = partition
        client = await self._connected()
        details = await self._call(_place(partition), client.get_topic(STREAM, topic))
        found = next((one for one in details.partitions if one.id == number), None) if details is not None else None
        if found is None:
            raise self._failure(f"{_place(partition)}: there is none yet")
        return found.current_offset + 1 if found.messages_count else 0

    def _headers(self, message: Message) -> dict[Any, Any]:
        return {
            HeaderKey.String("schema"): HeaderValue.UnsignedInt32(SCHEMA_VERSION),
            HeaderKey.String("kind"): HeaderValue.String(message.kind),
            HeaderKey.String("chain_id"): HeaderValue.UnsignedInt64(self._chain_id),
        }

    async def _connected(self) -> IggyClient:
        if self._client is None:
            client, self._server = IggyClient(_configuration(self._url)), None
            try:
                await self._call("connection", client.connect())
            except BrokerUnavailable as error:
                if not await _speaks_old_protocol(self._url):
                    raise
                self._server = "before 0.9"
                raise self._failure("it speaks an older protocol") from error
            self._server = await self._call("version", _version(client))
            self._client = client
        return self._client

    async def _ensure(self, what: str, find: _Request, create: _Request) -> Any:
        """What is found; None if it had to be created."""
        found = await self._call(what, find(await self._connected()))
        if found is None:
            try:
                await self._call(what, create(await self._connected()))
            except BrokerUnavailable:
                found = await self._call(what, find(await self._connected()))
                if found is None:
                    raise
        return found

    async def _call(self, what: str, work: Awaitable[T]) -> T:
        """The client's answer within CALL_SECONDS. Raises BrokerUnavailable, and drops the connection.

        The failure names `what` was asked for, since the server's own words do not ("Topic with ID: 0").
        """
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await work
        except (RuntimeError, ConnectionError, TimeoutError, ValueError) as error:
            self._client = None
            raise self._failure(f"{what}: {str(error) or 'no answer in time'}") from error

    def _failure(self, reason: str) -> BrokerUnavailable:
        """The failure of a call; it names both versions if they differ."""
        if self._server in (None, CLIENT):
            return BrokerUnavailable(f"{_name(self._url)}: {reason}")
        return OtherVersion(f"{_name(self._url)}: {reason} (the server is {self._server}, our client {CLIENT})")


async def _version(client: IggyClient) -> str | None:
    """The server's version; None if the user has no permission to ask for it."""
    try:
        return (await client.get_stats()).iggy_server_version
    except RuntimeError:
        return None


async def _speaks_old_protocol(url: str) -> bool:
    """Whether a server without TLS answers a ping as it was before 0.9: a length and a command, four bytes each, to
    which the newer protocol, whose shortest request has 256 bytes, answers nothing. The answer is a status and a
    length, both 0; a server of another kind, as at Iggy's port for HTTP, answers something else."""
    parts = urlsplit(url)
    if parts.scheme == "iggy+tls":
        return False
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or PORT)
            with closing(writer):
                writer.write(struct.pack("<II", 4, 1))
                return await reader.readexactly(8) == bytes(8)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def _configuration(url: str) -> TcpConfig:
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return TcpConfig(
        server_address=f"{parts.hostname}:{parts.port or PORT}",
        auto_login=AutoLogin.username_password(unquote(parts.username or "iggy"), unquote(parts.password or "iggy")),
        reconnection=TcpReconnectionConfig(enabled=False),
        tls_enabled=parts.scheme == "iggy+tls",
        tls_domain=options.get("domain", parts.hostname),
        tls_ca_file=options.get("ca"),
        nodelay=True,
    )


def _place(partition: TopicPartition) -> str:
    """A partition's name, for messages."""
    return f"topic {partition.topic}, partition {partition.partition}"


def _name(url: str) -> str:
    """The server's host and port, for messages: without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or PORT}"
