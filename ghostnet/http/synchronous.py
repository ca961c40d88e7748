"""Answer synchronously: in the call that received the request, without a task, a queue or another turn of the loop.

The application is called with a scope that `must_be_synchronous`. It answers without waiting for anything, or raises
NotSynchronous, having counted nothing, and is then called in the usual way.
"""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from starlette.types import ASGIApp, Message, Scope
from twisted.web.http import RESPONSES

from ghostnet.http.transport import write_now
from indexer.base.errors import GhostnetError

_KEY: Final = "ghostnet.synchronous"


class NotSynchronous(GhostnetError):
    """The answer must be waited for."""

    help = "Ask in the usual way."

    def __init__(self) -> None:
        super().__init__("the answer is not there yet")


def must_be_synchronous(scope: Scope) -> bool:
    """Whether the answer may not be waited for."""
    return _KEY in scope


def answer_synchronously(application: ASGIApp, scope: Scope) -> list[Message] | None:
    """The messages of an application's answer; None if it must be waited for. Raises what the application raises."""
    messages: list[Message] = []

    async def receive() -> Message:
        raise NotSynchronous

    async def send(message: Message) -> None:
        messages.append(message)

    def run() -> None:
        waiting: Any = application({**scope, _KEY: True}, receive, send)
        try:
            waiting.send(None)
        except StopIteration:
            return
        waiting.close()
        raise RuntimeError(f"{scope['path']} was to be answered at once, and waited")

    try:
        copy_context().run(run)  # what it sets is of this request
    except NotSynchronous:
        return None
    return messages


def create_or_answer(server: Any, create: Callable[[Any, Scope], Any], protocol: Any, scope: Scope) -> Any:
    """Answer a request of daphne's `server` at once and return None, if possible; else call `create`, daphne's own
    `create_application`.

    A request that is followed by others on its connection is not answered at once: all of them would be, within one
    turn of the event loop.
    """
    if scope["type"] == "http" and scope["http_version"] == "1.1" and not protocol.channel.has_more():
        messages = answer_synchronously(server.application, scope)
        if messages is not None:
            _write(server, protocol, messages)
            return None
    return create(protocol, scope)


def _write(server: Any, request: Any, messages: list[Message]) -> None:
    """Write a whole answer in one piece, without Twisted's objects for its headers."""
    start, *bodies = messages
    lines = [b"HTTP/1.1 %d %b" % (start["status"], RESPONSES[start["status"]])]
    lines += [b"%b: %b" % header for header in start["headers"]]
    if server.server_name:
        lines.append(b"Server: %b" % server.server_name.encode())
    if not request.channel.persistent:
        lines.append(b"Connection: close")
    lines += [b"", b"".join(message.get("body", b"") for message in bodies)]
    request.code, request.startedWriting = start["status"], 1
    write_now(request.channel.transport, b"\r\n".join(lines))
    request.finish()
