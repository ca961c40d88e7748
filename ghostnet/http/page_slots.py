"""Limit concurrent requests that need a thread each: Django's pages, the admin, and their files."""

import time
from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ghostnet.http.clients import client_of
from ghostnet.http.headers import SECURITY_HEADERS
from ghostnet.http.limits import ClientLimits
from ghostnet.http.retry_page import retry_page
from ghostnet.http.work_slots import NoRoom, WorkSlots

_REASONS: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: "Your address has sent too many requests at a time.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The server is busy: too many requests are waiting.",
}


class PageSlots:
    """An ASGI application that passes at most `count` requests at a time to another one, a share of them of each
    client.

    `waiting` more wait for a slot; beyond those the answer is 503, or 429 for a client that has used up its share
    or its work.
    """

    def __init__(self, application: ASGIApp, count: int, waiting: int, limits: ClientLimits) -> None:
        self._application = application
        self._limits = limits
        self._slots = WorkSlots(count, limits.slots_each(count), waiting, limits.waiting_each(waiting))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        if not self._limits.may_work(client):
            await self._limits.before_refusal(client)
            await self._refuse(HTTPStatus.TOO_MANY_REQUESTS, client, scope)(scope, receive, send)
            return
        try:
            await self._slots.take(client)
        except NoRoom as error:
            status = HTTPStatus.TOO_MANY_REQUESTS if error.of_client else HTTPStatus.SERVICE_UNAVAILABLE
            await self._limits.before_refusal(client)
            await self._refuse(status, client, scope)(scope, receive, send)
            return
        started = time.perf_counter()
        try:
            if self._limits.may_work(client):
                await self._application(scope, receive, send)
            else:
                await self._refuse(HTTPStatus.TOO_MANY_REQUESTS, client, scope)(scope, receive, send)
        finally:
            self._limits.charge(client, time.perf_counter() - started)
            self._slots.give_back(client)

    def _refuse(self, status: HTTPStatus, client: str, scope: Scope) -> ASGIApp:
        wait = self._limits.retry_after(client)
        page = HTMLResponse(retry_page(_REASONS[status], scope["method"], wait), status)
        page.raw_headers += [*SECURITY_HEADERS, (b"Retry-After", b"%d" % wait), (b"Cache-Control", b"no-store")]
        return page
