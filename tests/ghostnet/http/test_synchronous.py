"""Answers that exist already are sent in the call that received the request; others by daphne's own code."""

import asyncio
import math
from contextvars import ContextVar
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from twisted.internet.testing import StringTransport

from ghostnet.http.bodies import BoundedRequest
from ghostnet.http.connection_counts import ConnectionCounts
from ghostnet.http.connections import bounded_http_factory
from ghostnet.http.fair_reads import Call, FairScheduler
from ghostnet.http.synchronous import NotSynchronous, answer_synchronously, must_be_synchronous

SCOPE: dict[str, Any] = {"type": "http", "path": "/"}
asked: ContextVar[str] = ContextVar("asked", default="nothing")


async def known(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what is asked by GET, and waits for all else."""
    asked.set(scope["path"])
    if scope["path"] == "/slow":
        if must_be_synchronous(scope):
            raise NotSynchronous
        await asyncio.sleep(0)
    headers = [(b"Content-Length", b"2"), (b"X-Path", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


async def careless(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)


def test_an_answer_that_is_there_comes_without_an_event_loop() -> None:
    messages = answer_synchronously(known, SCOPE)
    assert messages is not None
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert asked.get() == "nothing", "what it sets is of this request"


def test_what_must_be_waited_for_is_not_begun() -> None:
    assert answer_synchronously(known, SCOPE | {"path": "/slow"}) is None
    with pytest.raises(RuntimeError, match=r"/ was to be answered at once"):
        answer_synchronously(careless, SCOPE)


class _Server:
    """What daphne's HTTP needs of its server."""

    proxy_forwarded_address_header = None
    root_path = ""
    server_name = "daphne"
    request_buffer_size = 8192
    action_logger = None

    def __init__(self, application: ASGIApp) -> None:
        self.application = application
        self.connections: dict[Any, dict[str, Any]] = {}
        self.created: list[str] = []
        self.log_action = self.protocol_disconnected = lambda *_: None

    def protocol_connected(self, protocol: Any) -> None:
        self.connections[protocol] = {}

    def create_application(self, protocol: Any, scope: Scope) -> None:
        self.created.append(scope["path"])


def connect() -> tuple[Any, StringTransport, _Server]:
    server, transport = _Server(known), StringTransport()  # type: ignore[no-untyped-call]
    scheduler = FairScheduler(math.inf, call_soon=lambda _: None)
    channel = bounded_http_factory(BoundedRequest, ConnectionCounts(0), scheduler)(server).buildProtocol(None)
    channel.timeOut = None
    channel.makeConnection(transport)
    return channel, transport, server


def get(path: str, version: str = "1.1", more: str = "") -> bytes:
    return f"GET {path} HTTP/{version}\r\nHost: localhost\r\n{more}\r\n".encode()


def test_a_request_is_answered_as_it_comes_and_nothing_of_it_is_kept() -> None:
    channel, transport, server = connect()
    for path in ("/a", "/b"):
        channel.dataReceived(get(path))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Path: /%b\r\nServer: daphne\r\n\r\nok"
    assert transport.value() == head % b"a" + head % b"b"  # type: ignore[no-untyped-call]
    assert not transport.disconnecting
    assert (server.created, server.connections, channel.requests) == ([], {}, [])


def test_the_last_answer_of_a_connection_ends_it() -> None:
    channel, transport, _ = connect()
    channel.dataReceived(get("/a", more="Connection: close\r\n"))
    assert b"\r\nConnection: close\r\n" in transport.value()  # type: ignore[no-untyped-call]
    assert transport.disconnecting


@pytest.mark.parametrize("sent", [get("/slow"), get("/a", "1.0"), get("/a") + get("/b")], ids=["slow", "1.0", "more"])
def test_other_requests_take_daphne_s_way(sent: bytes) -> None:
    channel, transport, server = connect()
    channel.dataReceived(sent)
    assert transport.value() == b""  # type: ignore[no-untyped-call]
    assert len(server.created) == 1


def test_behind_a_proxy_requests_wait_for_their_clients_turns() -> None:
    channel, _, server = connect()
    made, channel.proxies = list[str](), 1

    class Waiting(FairScheduler):
        def call(self, client: str, call: Call) -> None:
            made.append(client)
            super().call(client, call)

    channel.scheduler = Waiting(math.inf, call_soon=lambda _: None)
    channel.dataReceived(get("/slow", more="X-Forwarded-For: 192.0.2.66, 192.0.2.1\r\n"))
    assert (made, server.created) == (["192.0.2.1"], ["/slow"])
