"""The node's head: polled over HTTP, pushed over WebSocket where there is one."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from indexer.chain.blocks import parse_header
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent, RpcError
from indexer.chain.wire import WireHeader
from indexer.domain.chain import Header

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 20.0
"""MegaETH's public endpoint closes a socket on which it has received nothing for 30 s."""
HEADERS_KEPT: Final = 128
SLOW_POLL_SECONDS: Final = 2.0
RECONNECT_SECONDS: Final = 2.0


class _Params(msgspec.Struct):
    result: WireHeader


class _Message(msgspec.Struct):
    """What comes over the socket: answers have no params, new heads have nothing else."""

    params: _Params | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Message).decode


class HeadWatcher:
    """Keeps `head` (a block number) current, and wakes those who wait when it may have moved.

    Without a WebSocket it polls every `poll_interval` seconds. With one, polling slows down for as long as the
    subscription brings every head that polling finds; a subscription that is silent while the head moves is not
    trusted any more until it brings one again.
    """

    def __init__(self, client: NodeClient, ws_url: str | None, poll_interval: float) -> None:
        self._client = client
        self._ws_url = ws_url
        self._poll_interval = poll_interval
        self._pushed_head = -1
        self._trusted = False
        self._moved = asyncio.Event()
        self._pushed: dict[int, Header] = {}
        self.head: int | None = None

    @property
    def is_pushed(self) -> bool:
        """Whether the subscription can be relied on to bring every new head."""
        return self._trusted

    def pushed(self, number: int) -> Header | None:
        """The header of this height that the subscription has brought last, if any: over HTTP a header comes with the
        hashes of all transactions of its block."""
        return self._pushed.get(number)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll())
            if self._ws_url:
                tasks.create_task(self._subscribe(self._ws_url))

    async def wait(self, seconds: float) -> None:
        """Return at the next sign of life from the node, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        self._moved.clear()

    async def refresh(self) -> int:
        """Ask for the head now."""
        head = await self._client.number("eth_blockNumber")
        self._set(head)
        return head

    def _set(self, head: int) -> None:
        self.head = head
        self._moved.set()

    async def _poll(self) -> None:
        while True:
            try:
                head = await self.refresh()
            except (RpcError, Inconsistent) as error:
                logger.warning("eth_blockNumber: %s", error)
            else:
                if head > self._pushed_head:
                    self._trusted = False
            await asyncio.sleep(SLOW_POLL_SECONDS if self._trusted else self._poll_interval)

    async def _subscribe(self, url: str) -> None:
        while True:
            try:
                async with connect(
                    url, max_size=16 << 20, ping_interval=20, open_timeout=10, close_timeout=1
                ) as socket:
                    await socket.send(_request(1, "eth_subscribe", ["newHeads"]))
                    keep_alive = asyncio.create_task(_keep_alive(socket))
                    try:
                        await self._receive(socket)
                    finally:
                        keep_alive.cancel()
            except (OSError, WebSocketException, TimeoutError, ValueError, msgspec.MsgspecError) as error:
                logger.info("newHeads: %s; polling meanwhile", error)
            self._trusted = False
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _receive(self, socket: Any) -> None:
        async for text in socket:
            message = _decode(text)
            if message.error is not None:
                raise ValueError(f"refused: {message.error}")
            if message.params is not None:
                header = parse_header(message.params.result)
                self._pushed_head = header.number
                self._pushed[header.number] = header
                self._pushed.pop(header.number - HEADERS_KEPT, None)
                self._trusted = True
                self._set(header.number)
        raise ValueError("the node closed the connection")


async def _keep_alive(socket: Any) -> None:
    """Send something every 20 s, whatever the node sends: public endpoints close a socket that sends nothing."""
    while True:
        await asyncio.sleep(KEEP_ALIVE_SECONDS)
        await socket.send(_request(2, "eth_chainId", []))


def _request(request_id: int, method: str, params: list[Any]) -> str:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).decode()
