"""Limit connections below the application: their number per address, and the size and duration of request heads."""
# ruff: noqa: N802, N815 - Twisted's names

from collections.abc import Callable
from functools import cache, partial
from http import HTTPStatus
from typing import Any, Final

from daphne.http_protocol import HTTPFactory
from twisted.web.http import RESPONSES, HTTPChannel

from ghostnet.http.connection_counts import ConnectionCounts, client_at
from ghostnet.http.fair_reads import FairReader, FairScheduler
from ghostnet.http.headers import SECURITY_HEADERS
from ghostnet.http.problems import phrase, problem
from ghostnet.http.synchronous import create_or_answer
from ghostnet.http.transport import drop_unwritten, unwritten

MAX_HEAD_BYTES: Final = 16 << 10
"""Bytes that a request's first line and its headers may have together."""
HEAD_SECONDS: Final = 20.0
"""Seconds from the first byte of a request to the end of its headers; slower connections are cut off."""
MAX_DRAINED_BYTES: Final = 4 << 20
"""Bytes that are read and dropped after a refusal: a client that is still sending reads it only afterwards."""
LATE_SECONDS: Final = 5.0
"""Seconds after which a refused connection is cut off."""


_Channel: Any = HTTPChannel  # it has types for some of its parts only


class BoundedChannel(_Channel):  # type: ignore[misc]
    """Twisted's HTTP/1.1 connection; refuses with a problem document what it would drop without a word."""

    totalHeadersSize = MAX_HEAD_BYTES
    _deadline: Any = None
    """The call that ends a connection whose request's head is slow; None unless a head is on its way."""
    _cut: Any = None
    """The call that ends a refused connection; None unless it was refused."""
    _dropped = 0
    leave: Callable[[], None] | None = None
    """Called when the connection has ended, unless it has become a WebSocket's."""
    scheduler: FairScheduler
    """When what comes is looked at."""
    proxies = 0
    """Proxies that requests pass, which name their clients."""
    owe: Callable[[int], bool] | None = None
    """Called with the bytes by which more or less wait to be read by the client, while many do; returns False if they
    are more than it may have."""
    _owed = 0

    @property
    def refused(self) -> bool:
        """Whether a refusal was sent: nothing that still comes is looked at."""
        return self._cut is not None

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem document, drop what still comes, and end the connection."""
        if not self.refused:
            self.transport.write(_refusal(status, detail))
            self._cut = self.callLater(LATE_SECONDS, self.transport.abortConnection)
            self.setRawMode()

    def connectionMade(self) -> None:
        """The connection is there."""
        super().connectionMade()
        client = client_at(self.transport.getPeer())
        self._reader = FairReader(self.scheduler, client, self.transport, self._take, self._may_take)

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come, or are left of what came before a request was answered."""
        if self.refused:
            self.rawDataReceived(data)
        else:
            self._reader.receive(data)

    def setLineMode(self, extra: bytes = b"") -> None:
        """A request is answered; a part of the next ones has come already."""
        self.line_mode = 1
        self._reader.put_back(extra)

    def pauseProducing(self) -> None:
        """Much waits to be read by the client: what else has come waits, too."""
        super().pauseProducing()
        self._set_owed(unwritten(self.transport))

    def resumeProducing(self) -> None:
        """All has been read."""
        super().resumeProducing()
        self._set_owed(0)
        self._reader.go_on()

    def loseConnection(self) -> None:
        """Close the connection when the client has read all, for which it has as long as for its next request."""
        if self._abortingCall is None:
            self.setTimeout(self.timeOut)
        super().loseConnection()

    def _set_owed(self, size: int) -> None:
        change, self._owed = size - self._owed, size
        if self.owe is not None and change and not self.owe(change):
            self.transport.abortConnection()

    def _may_take(self) -> bool:
        return not self._waitingForTransport

    def _take(self, data: bytes) -> None:
        super().dataReceived(data)
        if self._deadline is None and self._head_is_on_its_way():
            self._deadline = self.callLater(HEAD_SECONDS, self.transport.abortConnection)

    def allHeadersReceived(self) -> None:
        """The head of a request is complete."""
        self._head_is_over()
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """A part of a body has come, or of the next request, or what is dropped."""
        if not self.refused:
            super().rawDataReceived(data)
            return
        self._dropped += len(data)
        if self._dropped > MAX_DRAINED_BYTES:
            self.transport.abortConnection()

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line is longer than a whole head may be."""
        self._receivedHeaderSize += len(line)
        self._respondToBadRequestAndDisconnect()
        self.rawDataReceived(line)

    def connectionLost(self, reason: Any) -> None:
        """The connection has ended."""
        self._reader.end()
        self._head_is_over()
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        self._set_owed(0)
        drop_unwritten(self.transport)
        if self.leave is not None:
            self.leave()
        super().connectionLost(reason)

    def has_more(self) -> bool:
        """Whether bytes of another request have come."""
        return bool(self._buffer or self._dataBuffer or self._reader.waits)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Refuse what is no HTTP, or too long; Twisted calls this wherever it finds such."""
        if self._receivedHeaderSize > MAX_HEAD_BYTES or self._receivedHeaderCount > self.maxHeaders:
            self.refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"a request may have {MAX_HEAD_BYTES} bytes of address and headers, and {self.maxHeaders} headers",
            )
        else:
            self.refuse(HTTPStatus.BAD_REQUEST, "that is no request of HTTP/1.1 (RFC 9112)")

    def _head_is_on_its_way(self) -> bool:
        """Whether a part of a head has come, and its end has not. Most heads come at once and need no deadline."""
        return bool(self.line_mode and (self._buffer or hasattr(self, "_command")))

    def _head_is_over(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


def bounded_http_factory(
    request: type, connection_counts: ConnectionCounts, scheduler: FairScheduler, proxies: int = 0
) -> type[HTTPFactory]:
    """daphne's factory of connections, for bounded ones that make their requests by `request`, are read by `scheduler`,
    and are counted by `connection_counts`: a client that has used up its share is disconnected at once. Requests come
    through `proxies` proxies."""
    RESPONSES.update({status: phrase(status).encode() for status in HTTPStatus})  # Twisted lacks 422, 425, 429, 431

    class BoundedHTTPFactory(HTTPFactory):  # type: ignore[misc]  # daphne has no types
        protocol = BoundedChannel

        def __init__(self, server: Any) -> None:
            super().__init__(server)
            server.create_application = partial(create_or_answer, server, server.create_application)

        def log(self, request: Any) -> None:
            """Twisted's log of requests, which takes 7 % of a short answer's time and which daphne drops."""

        def buildProtocol(self, addr: Any) -> Any:
            if not connection_counts.enter(addr):
                return None  # Twisted closes the connection
            protocol = super().buildProtocol(addr)
            protocol.requestFactory, protocol.leave = request, partial(connection_counts.leave, addr)
            protocol.scheduler, protocol.proxies, protocol.owe = (
                scheduler,
                proxies,
                partial(connection_counts.owe, addr),
            )
            return protocol

    return BoundedHTTPFactory


@cache
def _refusal(status: HTTPStatus, detail: str) -> bytes:
    response = problem(status, detail, headers={"Connection": "close"})
    response["Content-Length"] = str(len(response.content))
    fields = [(name.encode(), value.encode()) for name, value in response.items()] + SECURITY_HEADERS
    head = f"HTTP/1.1 {response.status_code} {phrase(response.status_code)}\r\n".encode()
    return head + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + response.content
