"""A browser's side of `/ws`, and the checks of what it has received."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.document import AnyServerMessage
from tests.web import WebClient

Frame = dict[str, Any]
_validate = msgspec.json.Decoder(AnyServerMessage).decode

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
"""The opening handshake of a client that is a plain socket."""


class Browser:
    """Keeps the events that it received, and drops those that a REORG takes back."""

    def __init__(self, channels: list[str]) -> None:
        self.channels = channels
        self.events: dict[int, Frame] = {}
        self.reorgs: list[int] = []
        self.updates: dict[str, Any] = {}
        self.others: list[Frame] = []
        self.faults: list[str] = []

    @property
    def last(self) -> int:
        return max(self.events, default=0)

    def has_event(self, item_id: int) -> bool:
        """Whether an event with this id came, and no REORG took it back."""
        return item_id in self.events

    def take(self, frame: Frame) -> None:
        """Process a frame; fail on one that a correct server never sends."""
        match frame["type"]:
            case "FEED_EVENT":
                place = int(frame["id"])
                if place <= self.last:
                    self.faults.append(f"{place} came after {self.last}")
                self.events[place] = frame
            case "REORG":
                dropped = int(frame["dropped_from"])
                assert dropped == (frame["ancestor_block"] + 1) << 23
                self.reorgs.append(dropped)
                self.events = {place: event for place, event in self.events.items() if place < dropped}
            case "POSITION_UPDATE":
                self.updates[frame["address"].lower()] = frame["position"]
            case _:
                self.others.append(frame)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a test's work, for a minute at most."""
    return asyncio.run(asyncio.wait_for(work, 150))


@asynccontextmanager
async def dial(client: WebClient, **options: Any) -> AsyncIterator[ClientConnection]:
    """An open socket; unread frames do not prevent it from being closed."""
    async with connect(f"ws://127.0.0.1:{client.port}/ws", max_size=None, max_queue=None, **options) as socket:
        yield socket


async def ask(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def receive(socket: ClientConnection) -> Frame:
    """The next frame, checked against the protocol's document."""
    text = await socket.recv()
    _validate(text)
    found: Frame = json.loads(text)
    return found


def masked(**message: Any) -> bytes:
    """A client's message as a frame."""
    text = json.dumps(message).encode()
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


@asynccontextmanager
async def non_reading_client(client: WebClient) -> AsyncIterator[sockets.socket]:
    """A client that reads nothing by itself, over a connection with little room."""
    loop = asyncio.get_running_loop()
    with sockets.socket() as raw:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", client.port))
        await loop.sock_sendall(raw, HANDSHAKE)
        await loop.sock_recv(raw, 4096)
        yield raw


async def resume(client: WebClient, browser: Browser, since: int, whole: Callable[[], bool]) -> None:
    """Follow the browser's channels, from `since` on, over as many connections as it takes until all is known."""
    while not whole():
        try:
            async with dial(client) as socket:
                cursor = max(since, browser.last)
                await ask(socket, type="SUBSCRIBE", channels=browser.channels, since=str(cursor))
                while not whole():
                    with suppress(TimeoutError):  # what makes it whole may have come before it was known
                        browser.take(await asyncio.wait_for(receive(socket), 0.2))
        except ConnectionClosed:
            assert socket.close_code == 1013, "come back with your cursor"
