"""The edge of the web server: only headers that may be trusted reach the application, in one normal form."""

import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghostnet.http.origins import normal_origin

Headers = Sequence[tuple[bytes, bytes]]

_OF_PROXIES: Final = (b"x-forwarded-", b"forwarded", b"x-real-ip")
MAX_CODINGS: Final = 20
_WEIGHT: Final = re.compile(r";\s*q\s*=\s*([0-9.]+)\s*$", re.IGNORECASE)


class Edge:
    """An ASGI application that passes requests on to another one by their `trusted_scope`, and answers HEAD.

    A HEAD request is answered as GET is, without the body.
    """

    def __init__(self, application: ASGIApp, proxies: int) -> None:
        self._application = application
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = trusted_scope(scope, self._proxies)
        if scope.get("method") != "HEAD":
            await self._application(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._application({**scope, "method": "GET"}, receive, send_head)


def trusted_scope(scope: Scope, proxies: int) -> dict[str, Any]:
    """A scope without what only a proxy may say, behind `proxies` trusted ones.

    The client is the one that the first of these names (X-Forwarded-For), the host the one that it was asked for
    (X-Forwarded-Host); whatever stands before those in the headers may be forged. Of the proxies' headers only
    X-Forwarded-Proto is left. `root_path`, which daphne takes from a header, is empty. Origin is in the form of
    `normal_origin`, Accept-Encoding is `gzip` or is not there.
    """
    headers: Headers = scope["headers"]
    hosts = _forwarded(headers, b"x-forwarded-host") if proxies else []
    kept = [
        (name, value)
        for name, value in headers
        if not name.startswith(_OF_PROXIES) or (proxies and name == b"x-forwarded-proto")
    ]
    if hosts:  # each proxy adds to the list, or replaces it
        host = hosts[-min(proxies, len(hosts))].encode("latin-1")
        kept = [(name, value) for name, value in kept if name != b"host"] + [(b"host", host)]
    kept = [(name, _normal(value) if name == b"origin" else value) for name, value in kept]
    accepted = ",".join(value.decode("latin-1") for name, value in kept if name == b"accept-encoding")
    kept = [header for header in kept if header[0] != b"accept-encoding"]
    if accepts_gzip(accepted):
        kept.append((b"accept-encoding", b"gzip"))
    found = {**scope, "headers": kept, "root_path": ""}
    if (client := forwarded_client(headers, proxies)) is not None:
        found["client"] = (client, 0)
    return found


def forwarded_client(headers: Headers, proxies: int) -> str | None:
    """The client that the first of `proxies` trusted ones names in X-Forwarded-For; None if there is none."""
    clients = _forwarded(headers, b"x-forwarded-for") if proxies else []
    return clients[-proxies] if 0 < proxies <= len(clients) else None


def _forwarded(headers: Headers, name: bytes) -> list[str]:
    """The values of a list that proxies write; the last proxy's comes last."""
    values = b",".join(value for header, value in headers if header == name).decode("latin-1").split(",")
    return [value.strip() for value in values if value.strip()]


def _normal(origin: bytes) -> bytes:
    return normal_origin(origin.decode("latin-1")).encode("latin-1")


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110, 12.5.3): it, or `*`, with a weight above 0.

    Of the codings the first MAX_CODINGS count.
    """
    weights = {}
    for coding in header.split(",", MAX_CODINGS)[:MAX_CODINGS]:
        weight = _WEIGHT.search(coding)
        try:
            weights[coding.partition(";")[0].strip().lower()] = float(weight[1]) if weight else 1.0
        except ValueError:
            continue
    return weights.get("gzip", weights.get("*", 0.0)) > 0
