"""Places for what costs a thread and a connection to the database for each request: Django's pages and the admin."""

import time
from http import HTTPStatus

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ghostnet.http.clients import client_of
from ghostnet.http.limits import ClientLimits
from ghostnet.http.turns import NoRoom, Turns


class Places:
    """An ASGI application that hands at most `most` requests at a time to another one, some of each client.

    `waiting` more wait for their turn; beyond those the answer is 503, or 429 for a client that has its share of both,
    or has used up its work.
    """

    def __init__(self, application: ASGIApp, most: int, waiting: int, limits: ClientLimits) -> None:
        self._application = application
        self._limits = limits
        self._turns = Turns(most, limits.turns_each(most), waiting, limits.waiting_each(waiting))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        if not self._limits.may_work(client):
            await self._limits.before_refusal(client)
            await self._refuse(HTTPStatus.TOO_MANY_REQUESTS, client)(scope, receive, send)
            return
        try:
            await self._turns.take(client)
        except NoRoom as error:
            status = HTTPStatus.TOO_MANY_REQUESTS if error.of_client else HTTPStatus.SERVICE_UNAVAILABLE
            await self._limits.before_refusal(client)
            await self._refuse(status, client)(scope, receive, send)
            return
        started = time.perf_counter()
        try:
            if self._limits.may_work(client):
                await self._application(scope, receive, send)
            else:
                await self._refuse(HTTPStatus.TOO_MANY_REQUESTS, client)(scope, receive, send)
        finally:
            self._limits.charge(client, time.perf_counter() - started)
            self._turns.give_back(client)

    def _refuse(self, status: HTTPStatus, client: str) -> ASGIApp:
        wait = self._limits.retry_after(client)
        return PlainTextResponse(f"too many requests; please try again in {wait} s", status, {"Retry-After": str(wait)})
