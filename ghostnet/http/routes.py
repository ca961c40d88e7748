"""Answer 404 for unknown paths in the event loop: without Django, a thread or a log line."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from starlette.types import ASGIApp, Receive, Scope, Send

from ghostnet.http.clients import client_of
from ghostnet.http.handler import UNKNOWN, Answer, answer_of
from ghostnet.http.headers import SECURITY_HEADERS, latest_headers
from ghostnet.http.limits import ClientLimits
from ghostnet.http.metrics import requests_of
from ghostnet.http.problems import problem
from ghostnet.http.synchronous import must_be_synchronous
from indexer.stream.commits import CommitWatcher

FILES: Final = f"/{settings.STATIC_URL.strip('/')}/"
"""The path of styles, scripts and other static files."""
SOCKET: Final = "/ws"
"""The path of WebSockets."""


def is_routed(path: str) -> bool:
    """Whether one of Django's URLs matches a path, or would with a slash at its end, to which Django redirects."""
    return _resolves(path) or (not path.endswith("/") and _resolves(f"{path}/"))


def is_file(path: str) -> bool:
    """Whether there is a static file for a path."""
    name = path.removeprefix(FILES)
    try:
        return Path(settings.STATIC_ROOT, name).is_file() if settings.COLLECTED else bool(name and finders.find(name))
    except (OSError, SuspiciousFileOperation, ValueError):  # too long, outside of the folder, no name at all
        return False


class Routes:
    """An ASGI application that passes requests on to another one, if `has` is true of their path, else answers 404, or
    426 on the path of WebSockets.

    Such an answer counts as a request of its client; of who has no more requests left it waits as a refusal does. With
    `commits` it names the last indexed block.
    """

    def __init__(
        self,
        application: ASGIApp,
        limits: ClientLimits,
        has: Callable[[str], bool] = is_routed,
        commits: CommitWatcher | None = None,
    ) -> None:
        self._application = application
        self._limits = limits
        self._has = has
        self._commits = commits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if must_be_synchronous(scope) or self._has(path):
            await self._application(scope, receive, send)
            return
        client = client_of(scope)
        if not self._limits.take_request(client):
            await self._limits.before_refusal(client)
        nothing = _no_handshake() if path == SOCKET else _nothing(path.startswith("/api/"))
        requests_of(nothing.endpoint, nothing.status).inc()
        headers = [*nothing.headers, *SECURITY_HEADERS, *self._limits.headers(client)]
        if self._commits is not None:
            headers += latest_headers(self._commits)
        await send({"type": "http.response.start", "status": nothing.status, "headers": headers})
        await send({"type": "http.response.body", "body": nothing.body})


def _resolves(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


@cache
def _nothing(is_api: bool) -> Answer:
    """The answer where nothing is: a problem document of the API, or a page."""
    if is_api:
        return answer_of(problem(HTTPStatus.NOT_FOUND, "there is no such path; /api/v1/docs lists all"), UNKNOWN)
    return answer_of(HttpResponse(render_to_string("404.html"), status=HTTPStatus.NOT_FOUND), UNKNOWN)


@cache
def _no_handshake() -> Answer:
    """The answer to a plain request for the path of WebSockets, as most proxies make of a handshake by default."""
    detail = "this is a WebSocket: connect by ws: or wss:. If you do, a proxy on the way drops the header Upgrade"
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return answer_of(problem(HTTPStatus.UPGRADE_REQUIRED, detail, headers=headers), SOCKET)
