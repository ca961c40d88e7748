"""Limits on what a client may send over a socket, enforced before messages are assembled and pings are answered."""

import socket
from typing import Any, Final

from daphne.ws_protocol import ConnectionDeny, WebSocketFactory, WebSocketProtocol

from ghostnet.http.clients import client_of
from ghostnet.http.connection_counts import ConnectionCounts
from ghostnet.http.edge import trusted_scope
from ghostnet.http.token_buckets import TokenBucket
from realtime.socket_limits import SocketLimits
from realtime.socket_writer import TOO_MUCH

FRAMES: Final = (100.0, 1_000.0)
CONTROL_FRAMES: Final = (5.0, 60.0)
BYTES: Final = (64.0 * 1024, 1.25 * (1 << 20))
"""Limits of one socket, a second and in a burst: frames of all kinds; pings, pongs and close frames; bytes."""
SEND_BUFFER: Final = 256 << 10
"""Bytes that the kernel keeps for a client to read; by itself it would keep some MiB."""
CLOSE_SECONDS: Final = 1
"""Seconds in which a client that has sent too much may still read why it is closed."""


class BoundedSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """daphne's connection, which closes with TOO_MUCH a client that sends more than FRAMES, CONTROL_FRAMES or BYTES.

    One that sends an invalid frame is closed with a code of RFC 6455. Nothing is read after either. A client whose
    sockets together send too many frames is read more slowly.
    """

    _client: str | None = None
    """The client's address; None unless it was admitted."""
    _over = False

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The handshake begins."""
        self._frames, self._control_frames, self._bytes = (
            TokenBucket(*FRAMES),
            TokenBucket(*CONTROL_FRAMES),
            TokenBucket(*BYTES),
        )
        self._frames_of_client: TokenBucket | None = None
        self._address = self.transport.getPeer()
        self.end = self.sendCloseFrame
        if isinstance(connection := self.transport.getHandle(), socket.socket):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        super().connectionMade()

    def onConnect(self, request: Any) -> Any:  # noqa: N802
        """Refuse a complete handshake if this client has used up its share of sockets or handshakes (429), or if the
        handshake can't be read (400)."""
        if not request.headers.get("sec-websocket-protocol", "").isascii():  # daphne would log an error of its own
            raise ConnectionDeny(400, "Sec-WebSocket-Protocol must be ASCII")
        client = self._client_of(request)
        socket_limits: SocketLimits = self.factory.socket_limits
        if not socket_limits.enter(client):
            raise ConnectionDeny(429, "too many sockets or handshakes of one address")
        self._client, self._frames_of_client = client, socket_limits.frames_of(client)
        return super().onConnect(request)

    def onClose(self, *reason: Any) -> None:  # noqa: N802
        """The connection is closed."""
        if self._client is not None:
            super().onClose(*reason)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """The connection is gone."""
        super().connectionLost(reason)
        self.factory.connection_counts.leave(self._address)
        if self._client is not None:
            self.factory.socket_limits.leave(self._client)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes have come."""
        if self._over:
            return
        if self.state == self.STATE_OPEN and not self._bytes.take(len(data)):
            self._stop(TOO_MUCH)
            return
        super().dataReceived(data)
        owed = self._frames_of_client
        if owed is not None and owed.level < 0 and not self._over:
            self.transport.pauseProducing()
            self.factory.reactor.callLater(owed.seconds_until(0), self._read_on)

    def processData(self) -> bool:  # noqa: N802 - autobahn's name
        """Take the next frame, or a part of it, from what has come."""
        if self._over:
            self.data = b""
            return False
        return bool(super().processData())

    def onFrameBegin(self) -> None:  # noqa: N802
        """A frame's head has come."""
        if self._frames_of_client is not None:
            self._frames_of_client.charge(1)
        if not self._frames.take() or (self.current_frame.opcode > 7 and not self._control_frames.take()):
            self._stop(TOO_MUCH)
        super().onFrameBegin()

    def _fail_connection(self, code: int, reason: str) -> None:
        """Close with the code of the violation; autobahn itself would cut the connection off."""
        if self.state == self.STATE_OPEN:
            self._stop(code)
        else:
            super()._fail_connection(code, reason)

    def _stop(self, code: int) -> None:
        self._over = True
        self.closeHandshakeTimeout = CLOSE_SECONDS
        self.end(code=code)
        self.transport.pauseProducing()

    def _read_on(self) -> None:
        if self.state != self.STATE_CLOSED and not self._over:
            self.transport.resumeProducing()

    def _client_of(self, request: Any) -> str:
        peer = self.transport.getPeer()
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
        address = (str(peer.host), peer.port) if hasattr(peer, "host") else None
        return client_of(trusted_scope({"headers": headers, "client": address}, self.factory.proxies))


def bounded_factory(
    socket_limits: SocketLimits, connection_counts: ConnectionCounts, proxies: int
) -> type[WebSocketFactory]:
    """daphne's factory of sockets, for bounded ones, whose connections `connection_counts` has counted."""

    class BoundedSocketFactory(WebSocketFactory):  # type: ignore[misc]
        protocol = BoundedSocket

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.socket_limits = socket_limits
            self.connection_counts = connection_counts
            self.proxies = proxies

    return BoundedSocketFactory
