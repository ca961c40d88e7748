"""Apache Iggy as the broker: its client, with bounded waits, a new connection after every failure, and no state."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
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

from indexer.stream.broker import BrokerAway, Received
from indexer.stream.topics import PARTITIONS, SCHEMA_VERSION, STREAM, Message, Place

T = TypeVar("T")
_Request = Callable[[IggyClient], Awaitable[Any]]

PATIENCE: Final = 5.0
"""Seconds that a call may take."""
MOST_SENT: Final = 1_000
"""Messages that are sent at once."""
_NOBODY: Final = Consumer.Single("ghostnet")


class IggyBroker:
    """`iggy://user:password@host:port`, `iggy+tls://…?ca=file` for TLS; `chain_id` goes into every message's headers.

    The client connects with the first call, and anew with the first one after a failure, with its login.
    """

    def __init__(self, url: str, chain_id: int) -> None:
        self._url = url
        self._chain_id = chain_id
        self._client: IggyClient | None = None

    async def create_topics(self) -> None:
        """Two at once may find a topic missing; the one that is too late finds it made."""
        await self._ensure(lambda client: client.get_stream(STREAM), lambda client: client.create_stream(STREAM))
        for topic, partitions in PARTITIONS.items():
            await self._ensure(
                partial(IggyClient.get_topic, stream_id=STREAM, topic_id=topic),
                partial(
                    IggyClient.create_topic,
                    stream=STREAM,
                    name=topic,
                    partitions_count=partitions,
                    messages_required_to_save=1,  # by default 1,024 wait in the server's memory, and die with it
                ),
            )

    async def publish(self, place: Place, messages: Sequence[Message]) -> None:
        topic, partition = place
        client = await self._connected()
        for start in range(0, len(messages), MOST_SENT):
            sent = [SendMessage(one.payload, self._headers(one), one.id) for one in messages[start : start + MOST_SENT]]
            await self._call(client.send_messages(STREAM, topic, Partitioning.partition_id(partition), sent))

    async def poll(self, place: Place, offset: int, most: int) -> list[Received]:
        topic, partition = place
        client = await self._connected()
        found = await self._call(
            client.poll_messages(
                STREAM,
                topic,
                consumer=_NOBODY,
                polling_strategy=PollingStrategy.Offset(offset),
                count=most,
                auto_commit=False,
                partition_id=partition,
            )
        )
        return [Received(one.offset(), one.id(), one.payload()) for one in found]

    async def end(self, place: Place) -> int:
        topic, partition = place
        client = await self._connected()
        details = await self._call(client.get_topic(STREAM, topic))
        if details is None:
            raise BrokerAway(f"there is no topic {topic} yet")
        (found,) = (one for one in details.partitions if one.id == partition)
        return found.current_offset + 1 if found.messages_count else 0

    def _headers(self, message: Message) -> dict[Any, Any]:
        return {
            HeaderKey.String("schema"): HeaderValue.UnsignedInt32(SCHEMA_VERSION),
            HeaderKey.String("kind"): HeaderValue.String(message.kind),
            HeaderKey.String("chain_id"): HeaderValue.UnsignedInt64(self._chain_id),
        }

    async def _connected(self) -> IggyClient:
        if self._client is None:
            client = IggyClient(_configuration(self._url))
            await self._call(client.connect())
            self._client = client
        return self._client

    async def _ensure(self, look: _Request, make: _Request) -> None:
        if await self._call(look(await self._connected())) is None:
            try:
                await self._call(make(await self._connected()))
            except BrokerAway:
                if await self._call(look(await self._connected())) is None:
                    raise

    async def _call(self, work: Awaitable[T]) -> T:
        """The client's answer in time. Raises BrokerAway, and forgets the connection."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await work
        except (RuntimeError, ConnectionError, TimeoutError, ValueError) as error:
            self._client = None
            raise BrokerAway(f"{_name(self._url)}: {str(error) or 'no answer in time'}") from error


def _configuration(url: str) -> TcpConfig:
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return TcpConfig(
        server_address=f"{parts.hostname}:{parts.port or 8090}",
        auto_login=AutoLogin.username_password(unquote(parts.username or "iggy"), unquote(parts.password or "iggy")),
        reconnection=TcpReconnectionConfig(enabled=False),
        tls_enabled=parts.scheme == "iggy+tls",
        tls_domain=options.get("domain", parts.hostname),
        tls_ca_file=options.get("ca"),
        nodelay=True,
    )


def _name(url: str) -> str:
    """The server without its password, for messages."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 8090}"
