"""A limit on the requests that an application handles at the same time."""

import asyncio
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_WAITING: Final = 200


class ConcurrencyLimit:
    """An ASGI application that hands at most `most` requests at a time to another one.

    MOST_WAITING more wait for their turn; beyond those the answer is 503. For what costs a thread and a connection to
    the database per request.
    """

    def __init__(self, application: ASGIApp, most: int) -> None:
        self._application = application
        self._turn = asyncio.Semaphore(most)
        self._most = most + MOST_WAITING
        self._present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._present >= self._most:
            busy = PlainTextResponse("too many wait already; please try again", 503, headers={"Retry-After": "2"})
            await busy(scope, receive, send)
            return
        self._present += 1
        try:
            async with self._turn:
                await self._application(scope, receive, send)
        finally:
            self._present -= 1
