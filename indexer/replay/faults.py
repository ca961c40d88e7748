"""The ways in which nodes and their proxies fail."""

import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from indexer.replay.limits import error_response
from indexer.replay.refusal import Refusal

_KINDS: Final = ("502", "504", "html", "internal", "cut", "reset")
_OF_MEGAETH: Final = (*_KINDS, "deadline", "full")

_IN_JSON: Final = {
    "internal": Refusal(-32603, "internal error"),
    "deadline": Refusal(-32000, "permanent error forwarding request context deadline exceeded"),
    "full": Refusal(-32000, "rabbit hole is full"),
}


class Faults:
    """Draws faults, the same ones for the same seed; MegaETH has some of its own."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable faults

    def drawn(self, share: float, megaeth: bool) -> str | None:
        """The fault of a request, of which this share has one."""
        if not share or self._random.random() >= share:
            return None
        return self._random.choice(_OF_MEGAETH if megaeth else _KINDS)


def fault_response(kind: str, request: web.Request, answer: Callable[[], bytes]) -> web.Response:
    """The answer as a fault changes it: an error page, an error, half of the answer, or nothing."""
    if kind in ("502", "504"):
        return web.Response(status=int(kind), text="<html>Bad gateway</html>")
    if kind == "html":
        return web.Response(text="<html>maintenance</html>")
    if kind in _IN_JSON:
        return error_response(_IN_JSON[kind], HTTPStatus.OK)
    if request.transport is not None:
        if kind == "cut":
            body = answer()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            request.transport.write(head + body[: len(body) // 2])
        request.transport.close() if kind == "cut" else request.transport.abort()
    return web.Response()
