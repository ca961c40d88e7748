"""Limit requests while they are received; daphne calls the application only after the whole body.

Only the forms of operators have a body that matters. All other bodies are counted and dropped.
"""

import asyncio
from http import HTTPStatus
from io import BytesIO
from typing import Final

from daphne.http_protocol import WebRequest

from ghostnet.http.clients import client_of
from ghostnet.http.edge import forwarded_client

MAX_BODY_BYTES: Final = 1 << 20
"""Bytes that a body may have."""
MAX_FORM_BYTES: Final = 128 << 10
"""Bytes that the body of a POST may have, which is kept in memory."""
MAX_PARAMETERS: Final = 100
"""Parameters that an address may have. To sort out 8,000 takes 30 ms."""


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    """daphne's request, which answers 413 as soon as a body is known to be too large; for a `BoundedChannel`."""

    _size = 0
    _limit = MAX_BODY_BYTES

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Handle the end of the headers; a body of `length` bytes follows, or one in chunks (None), which is refused:
        browsers say how long a form is, and to read chunks of one byte takes a hundred times as long as to read it."""
        self.content = BytesIO()
        if self.channel._command == b"POST":
            self._limit = MAX_FORM_BYTES
        if length is None or length > self._limit:
            self.requestHeaders.removeHeader(b"Expect")  # the answer is no "100 Continue"
        if length is None:
            self.channel.refuse(HTTPStatus.LENGTH_REQUIRED, "a body needs a Content-Length; chunks are not read")
        elif length > self._limit:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A part of the body has come."""
        self._size += len(data)
        if self._size > self._limit:
            self._refuse()
        elif self._limit == MAX_FORM_BYTES:
            self.content.write(data)

    def parseCookies(self) -> None:  # noqa: N802
        """Twisted reads cookies here, for which nobody asks."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """Process a request without Twisted's reading of parameters and forms, which Django does on a thread: here
        a form of 128 KiB would take 40 ms of the event loop."""
        self.content.seek(0)
        self.args: dict[bytes, list[bytes]] = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.split(b"?", 1)[0]
        self.process()

    def process(self) -> None:
        """The request is complete. Behind proxies it waits for its client's turn; up to here it was theirs."""
        if self.channel.refused:
            return
        if self.uri.count(b"&") >= MAX_PARAMETERS:
            self.channel.refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"an address may have {MAX_PARAMETERS} parameters"
            )
        elif self.clientproto != b"HTTP/1.1" and self.requestHeaders.hasHeader(b"Upgrade"):
            self.channel.refuse(HTTPStatus.BAD_REQUEST, "a WebSocket begins with a request of HTTP/1.1 (RFC 6455)")
        elif self.channel.proxies:
            named = [(b"x-forwarded-for", value) for value in self.requestHeaders.getRawHeaders(b"x-forwarded-for", [])]
            client = forwarded_client(named, self.channel.proxies)
            self.channel.scheduler.call(client_of({"client": (client, 0) if client else None}), self._begin)
        else:
            super().process()

    def _begin(self) -> None:
        if self.channel is not None:  # or else the connection is gone
            super().process()

    def finish(self) -> None:
        """The answer is written. daphne forgets it in a round a second, over all answers since the last one."""
        super().finish()
        application = self.server.connections[self].get("application_instance")
        if application is None:
            self.server.connections.pop(self)
        else:
            application.add_done_callback(self._forget)

    def _forget(self, application: asyncio.Future[None]) -> None:
        if not application.cancelled() and application.exception() is None:  # or else daphne has to log it
            self.server.connections.pop(self, None)

    def _refuse(self) -> None:
        self.content = BytesIO()
        self.channel.refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"a body may have {MAX_BODY_BYTES} bytes, that of a POST {MAX_FORM_BYTES}",
        )
