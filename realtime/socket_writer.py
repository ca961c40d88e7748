"""One client's socket: writes frames that are encoded once for all clients, without waiting for a slow reader.

daphne passes each message through a queue, a task and autobahn's state machine. Here the frame's bytes go straight to
Twisted's transport, which lets one process serve thousands of clients; no other module depends on daphne.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from prometheus_client import Counter
from starlette.types import Send
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from ghostnet.http.transport import write_now

MAX_BACKLOG_BYTES: Final = 1 << 20
"""Bytes that may wait for one client to read them."""
MAX_MESSAGE_BYTES: Final = 1 << 20
"""Bytes of a client's message above which its connection is closed before they are read into memory."""
MAX_FRAME_BYTES: Final = 16 * 1024
"""Bytes of a client's message that is parsed; of a longer one only the fact that it was too long is kept."""
MAX_UNREAD_MESSAGES: Final = 128
"""Messages of a client that may wait to be handled."""
MAX_STALL_SECONDS: Final = 5.0
"""Seconds without reading after which a client's replay ends."""
FLUSH_SECONDS: Final = 0.3
"""Seconds that the server takes at shutdown to send close frames."""
CLOSE_SECONDS: Final = 10
"""Seconds in which a closed client may still read what was written before, and its close code."""

GOING_AWAY: Final = 1001
"""Close code: this server stops."""
TRY_AGAIN: Final = 1013
"""Close code: something was missed; the client may go on from its cursor, on another connection."""
TOO_SLOW: Final = 4408
"""Close code: MAX_BACKLOG_BYTES waited for this client."""
TOO_MUCH: Final = 4429
"""Close code: too many errors, or too many unread messages."""

CLOSED: Final = Counter("websocket_closed", "Connections that the server closed, by close code", ["code"])

_TOO_LONG: Final = b" " * (MAX_FRAME_BYTES + 1)


def frame(payload: bytes) -> bytes:
    """The WebSocket frame of a text message, unmasked, as a server sends it (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return bytes((0x81, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x81, 127)) + size.to_bytes(8, "big") + payload


def before_shutdown(close_all: Callable[[], None]) -> None:
    """Register a function that the server calls when it is asked to stop; it then has FLUSH_SECONDS to send."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs a reactor; daphne has chosen one by now
    from twisted.internet.task import deferLater  # noqa: PLC0415

    def stop() -> Any:
        close_all()
        return deferLater(reactor, FLUSH_SECONDS)

    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[arg-type]


@implementer(IPushProducer)
class SocketWriter:
    """Writes encoded frames to a connection that daphne has accepted; `send` is the ASGI callable of daphne itself.

    Twisted calls back when its buffer is full and when it is empty again; in between, frames wait here. A client for
    which more than MAX_BACKLOG_BYTES waits is closed with TOO_SLOW.
    """

    def __init__(self, send: Send) -> None:
        assert isinstance(send, partial), "only daphne's own connections are supported"
        self._protocol: Any = send.args[0]
        self._protocol.maxMessagePayloadSize = MAX_MESSAGE_BYTES
        self._protocol.closeHandshakeTimeout = CLOSE_SECONDS
        self._receive: Callable[[bytes, bool], None] = self._protocol.onMessage
        self._protocol.onMessage = self._take
        self._protocol.end = self.close  # what waits is dropped, too, if the bounds of the connection end it
        self._waiting: deque[bytes] = deque()
        self._backlog = 0
        self._paused = False
        self._drained = asyncio.Event()
        self._drained.set()
        self.closed = False
        self._transport: Any = self._protocol.transport
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)  # calls stopProducing for a client that has disconnected by now

    async def drained(self) -> None:
        """Wait until the client has read what was written; return also when it has disconnected.

        Raises TimeoutError if it reads nothing for MAX_STALL_SECONDS.
        """
        if self._paused:
            async with asyncio.timeout(MAX_STALL_SECONDS):
                await self._drained.wait()

    def write(self, data: bytes) -> None:
        """Write a frame, now or as soon as the client has read what was written before."""
        if self.closed:
            return
        if not self._paused:
            write_now(self._transport, data)
            return
        self._waiting.append(data)
        self._backlog += len(data)
        if self._backlog > MAX_BACKLOG_BYTES:
            self.close(TOO_SLOW)

    def _take(self, payload: bytes, is_binary: bool) -> None:
        """Pass a client's message on to daphne's queue, which has no bound of its own."""
        if self._protocol.application_queue.qsize() >= MAX_UNREAD_MESSAGES:
            self.close(TOO_MUCH)
        else:
            self._receive(payload if len(payload) <= MAX_FRAME_BYTES else _TOO_LONG, is_binary)

    def close(self, code: int) -> None:
        """Send a close frame with this code; frames that still wait are dropped."""
        if not self.closed:
            self.closed = True
            self._waiting.clear()
            self._drained.set()
            CLOSED.labels(code).inc()
            # `sendClose` refuses the codes below 3000 that are a server's to send.
            self._protocol.sendCloseFrame(code=code)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Twisted's call when the client reads more slowly than frames are written."""
        self._paused = True
        self._drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """Twisted's call when the client has read everything: write the frames that wait."""
        self._paused = False
        while self._waiting and not self._paused:
            data = self._waiting.popleft()
            self._backlog -= len(data)
            write_now(self._transport, data)
        if not self._paused:
            self._drained.set()

    def stopProducing(self) -> None:  # noqa: N802
        """Twisted's call when the client has disconnected."""
        self.closed = True
        self._waiting.clear()
        self._drained.set()
