"""One browser's socket: frames are made once for everybody, and a slow reader is never waited for.

daphne copies each message through a queue, a task and autobahn's state machine. Here the frame's bytes go to Twisted's
transport as they are, which is what lets one process serve thousands; nothing else of the project knows of daphne.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.types import Send
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

MOST_BACKLOG: Final = 1 << 20
"""Bytes that may wait for one client."""
MOST_MESSAGE: Final = 1 << 20
"""Bytes of a client's message at which its connection is closed before they are in memory."""
MOST_FRAME: Final = 16 * 1024
"""Bytes of a client's message that are looked at; of a longer one nothing is kept but that it was."""
MOST_UNREAD: Final = 128
"""Messages of a client that may wait for being looked at."""
LONGEST_STALL: Final = 5.0
FLUSH_SECONDS: Final = 0.3
TOO_SLOW: Final = 4408
TOO_MUCH: Final = 4429
FAREWELL_SECONDS: Final = 10
"""Seconds in which a client may still read what was written, and why it is closed."""


_TOO_LONG: Final = b" " * (MOST_FRAME + 1)


def frame(payload: bytes) -> bytes:
    """A text message as one unmasked frame of WebSocket (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return bytes((0x81, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x81, 127)) + size.to_bytes(8, "big") + payload


def before_shutdown(farewell: Callable[[], None]) -> None:
    """Call this when the server has been told to stop, and leave it a moment to send what that writes."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs one; daphne has chosen by now
    from twisted.internet.task import deferLater  # noqa: PLC0415

    def stop() -> Any:
        farewell()
        return deferLater(reactor, FLUSH_SECONDS)

    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[arg-type]


@implementer(IPushProducer)
class Wire:
    """Writes prepared frames to a connection that daphne has accepted.

    Twisted tells when its buffer is full and when it is empty again; between these, frames wait here. A client for
    which too much waits is closed with TOO_SLOW.
    """

    def __init__(self, send: Send) -> None:
        assert isinstance(send, partial), "only daphne's connections are known here"
        self._protocol: Any = send.args[0]
        self._protocol.maxMessagePayloadSize = MOST_MESSAGE
        self._protocol.closeHandshakeTimeout = FAREWELL_SECONDS
        self._receive: Callable[[bytes, bool], None] = self._protocol.onMessage
        self._protocol.onMessage = self._take
        self._transport: Any = self._protocol.transport
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)
        self._waiting: deque[bytes] = deque()
        self._backlog = 0
        self._paused = False
        self._drained = asyncio.Event()
        self._drained.set()
        self.closed = False

    async def drained(self) -> None:
        """Wait until the client has read what was written, for those who can wait; returns also when it is gone.

        Raises TimeoutError if it reads nothing for LONGEST_STALL seconds.
        """
        if self._paused:
            async with asyncio.timeout(LONGEST_STALL):
                await self._drained.wait()

    def write(self, data: bytes) -> None:
        """Write a frame, now or as soon as the client has read what was written before."""
        if self.closed:
            return
        if not self._paused:
            self._write(data)
            return
        self._waiting.append(data)
        self._backlog += len(data)
        if self._backlog > MOST_BACKLOG:
            self.close(TOO_SLOW)

    def _take(self, payload: bytes, is_binary: bool) -> None:
        """A message of the client's, on its way to daphne's queue for us, which has no bound of its own."""
        if self._protocol.application_queue.qsize() >= MOST_UNREAD:
            self.close(TOO_MUCH)
        else:
            self._receive(payload if len(payload) <= MOST_FRAME else _TOO_LONG, is_binary)

    def _write(self, data: bytes) -> None:
        """Hand bytes to the kernel at once, if nothing waits before them: Twisted's own write waits for a turn of the
        loop, and asks to be told when the socket can be written to, for each client."""
        transport = self._transport
        if not (transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting):
            try:
                data = data[transport.socket.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                return
        if data:
            transport.write(data)

    def close(self, code: int) -> None:
        """Say good-bye; what waits is given up."""
        if not self.closed:
            self.closed = True
            self._waiting.clear()
            self._drained.set()
            # `sendClose` refuses the codes below 3000 that are a server's to send.
            self._protocol.sendCloseFrame(code=code)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client reads more slowly than we write."""
        self._paused = True
        self._drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """The client has read on."""
        self._paused = False
        while self._waiting and not self._paused:
            data = self._waiting.popleft()
            self._backlog -= len(data)
            self._write(data)
        if not self._paused:
            self._drained.set()

    def stopProducing(self) -> None:  # noqa: N802
        """The client is gone."""
        self.closed = True
        self._waiting.clear()
        self._drained.set()
