"""A bound on requests' bodies that holds while they are read: daphne calls the application only when it has all of one.

No answer depends on a body but those to forms, which operators send. All others are counted and dropped.
"""

from http import HTTPStatus
from io import BytesIO
from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest

from ghostnet.http.headers import SECURITY_HEADERS
from ghostnet.http.problems import phrase, problem

MOST_BODY: Final = 1 << 20
"""Bytes that a body may have."""
MOST_FORM: Final = 128 << 10
"""Bytes that the body of a POST may have, which is kept in memory."""
MOST_LATE: Final = 4 << 20
"""Bytes of a refused body that are read and dropped, so that its sender comes to read the refusal."""
LATE_SECONDS: Final = 5.0
"""Seconds after which the connection of a refused body is cut off."""


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    """daphne's request, which answers 413 as soon as a body is known to be too large, and closes the connection."""

    _size = 0
    _most = MOST_BODY
    _late: Any = None
    """The call that cuts the connection off; None unless the body is refused."""

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The headers are complete; a body of `length` bytes follows, or of unknown length."""
        self.content = BytesIO()
        if self.channel._command == b"POST":
            self._most = MOST_FORM
        if length is not None and length > self._most:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A part of the body has come."""
        self._size += len(data)
        if self._late is not None:
            if self._size > MOST_LATE:
                self.channel.transport.abortConnection()
        elif self._size > self._most:
            self._refuse()
        elif self._most == MOST_FORM:
            self.content.write(data)

    def process(self) -> None:
        """The request is complete."""
        if self._late is not None:
            self.channel.loseConnection()
        else:
            super().process()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """The connection has ended before the answer."""
        if self._late is not None and self._late.active():
            self._late.cancel()
        super().connectionLost(reason)

    def _refuse(self) -> None:
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"Expect")
        self.channel.write(_TOO_LARGE)
        self._late = self.channel.callLater(LATE_SECONDS, self.channel.transport.abortConnection)


class BoundedHTTPFactory(HTTPFactory):  # type: ignore[misc]
    """daphne's factory of connections, for bounded requests."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol


def _refusal() -> bytes:
    response = problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"at most {MOST_BODY} bytes, {MOST_FORM} in a POST",
        headers={"Connection": "close"},
    )
    response["Content-Length"] = str(len(response.content))
    fields = [(name.encode(), value.encode()) for name, value in response.items()] + SECURITY_HEADERS
    head = f"HTTP/1.1 {response.status_code} {phrase(response.status_code)}\r\n".encode()
    return head + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + response.content


_TOO_LARGE: Final = _refusal()
