"""Django's pages, with all of its middleware: each is made on one thread, in one go.

Django's own ASGI handler goes to a thread and back for most of the middleware, and for the view: some twenty times for
a page, each time behind whatever the event loop has to do.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from starlette.types import Message, Receive, Scope, Send

from ghostnet.http.threads import PAGE_THREADS


class ThreadedPages(ASGIHandler):
    """An ASGI application that has Django answer on `threads` threads, which it waits for; an answer is sent whole.

    A client that is gone before its turn has come is not answered.
    """

    def __init__(self, threads: int) -> None:
        # Not super's, which loads middleware for use in an event loop.
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=PAGE_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        body = BytesIO()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body.write(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body.seek(0)
        gone = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        if gone.done():
            return
        try:
            run = copy_context().run
            messages = await asyncio.get_running_loop().run_in_executor(self._threads, run, self._answer, scope, body)
        finally:
            gone.cancel()
        for message in messages:
            await send(message)

    def _answer(self, scope: Scope, body: BytesIO) -> list[Message]:
        """The messages of an answer; blocks on the database."""
        request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(dict(scope), body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__  # whose requests' end closes the database's connection
        try:
            headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
            cookies = [cookie.output(header="").strip().encode("ascii") for cookie in response.cookies.values()]
            content = b"".join(response)
        finally:
            response.close()
        headers += [(b"Set-Cookie", cookie) for cookie in cookies]
        start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
        return [start, {"type": "http.response.body", "body": content}]
