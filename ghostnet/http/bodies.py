"""Limit the size of request bodies while they are received; daphne calls the application only after the whole body.

Only the forms of operators have a body that matters. All other bodies are counted and dropped.
"""

import asyncio
from http import HTTPStatus
from io import BytesIO
from typing import Final

from daphne.http_protocol import WebRequest

MOST_BODY: Final = 1 << 20
"""Bytes that a body may have."""
MOST_FORM: Final = 128 << 10
"""Bytes that the body of a POST may have, which is kept in memory."""


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    """daphne's request, which answers 413 as soon as a body is known to be too large; for a `BoundedChannel`."""

    _size = 0
    _most = MOST_BODY

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Handle the end of the headers; a body of `length` bytes follows, or one of unknown length."""
        self.content = BytesIO()
        if self.channel._command == b"POST":
            self._most = MOST_FORM
        if length is not None and length > self._most:
            self.requestHeaders.removeHeader(b"Expect")  # the answer is no "100 Continue"
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A part of the body has come."""
        self._size += len(data)
        if self._size > self._most:
            self._refuse()
        elif self._most == MOST_FORM:
            self.content.write(data)

    def process(self) -> None:
        """The request is complete."""
        if not self.channel.refused:
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
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {MOST_BODY} bytes, that of a POST {MOST_FORM}"
        )
