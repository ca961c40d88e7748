"""The real server that IGGY_URL names, if any, instead of the stand-in."""

import asyncio
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from apache_iggy import IggyClient

from indexer.stream.iggy import PORT, _configuration
from indexer.stream.topics import STREAM
from tests.iggy.server import StandIn

REAL: Final = os.environ.get("IGGY_URL") or None


class RealServer:
    """The server at an address behind a local port, which `stop` closes and `start` opens; messages are kept.

    One test at a time uses it, of all processes, since the stream's name is fixed. It begins without the stream.
    """

    def __init__(self, url: str) -> None:
        self._real = url
        self.port = 0
        self.login = (urlsplit(url).username or "iggy", urlsplit(url).password or "iggy")
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        parts = urlsplit(self._real)
        login, _, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))

    def has_topic(self, name: str) -> bool:
        """Whether the stream `ghostnet` has a topic of this name."""

        async def ask() -> bool:
            client = await self._connected()
            return await client.get_stream(STREAM) is not None and await client.get_topic(STREAM, name) is not None

        return asyncio.run(ask())

    def forget(self) -> None:
        """Delete the stream with all messages."""

        async def delete() -> None:
            client = await self._connected()
            if await client.get_stream(STREAM) is not None:
                await client.delete_stream(STREAM)

        asyncio.run(delete())

    async def _connected(self) -> IggyClient:
        client = IggyClient(_configuration(self._real))
        await client.connect()
        return client

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        while forwarding := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.wait(forwarding, timeout=0.05)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(self._real)
        there, back = await asyncio.open_connection(parts.hostname, parts.port or PORT)
        both = {writer, back}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, back))
                group.create_task(self._pump(there, writer))
        finally:
            self._writers -= both

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass bytes on until either side ends; then close both."""
        with suppress(ConnectionError):
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        target.close()


Server = StandIn | RealServer


@contextmanager
def iggy() -> Iterator[Server]:
    """The server that IGGY_URL names, empty; without it a stand-in."""
    if REAL is None:
        with StandIn() as stand_in:
            yield stand_in
        return
    with (Path(tempfile.gettempdir()) / "ghostnet-tests-iggy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = RealServer(REAL)
        server.forget()
        server.start()
        try:
            yield server
        finally:
            server.close()
