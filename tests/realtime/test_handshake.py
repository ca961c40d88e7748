"""The handshake: the origins, hosts and paths that it allows and refuses."""

import socket as sockets
from typing import Any

import pytest
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import InvalidStatus

from tests.api.answers import problem_of
from tests.realtime.socket import dial, receive, run
from tests.web import WebClient


def test_pages_of_other_origins_are_refused_at_the_handshake(client: WebClient) -> None:
    async def status_of(origin: str | None) -> int:
        try:
            async with dial(client, origin=origin) as socket:
                await receive(socket)
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    assert run(status_of("https://evil.example")) == 403
    assert run(status_of("null")) == 403
    assert run(status_of("https://ghostnet.example")) == 101
    assert run(status_of(f"http://127.0.0.1:{client.port}")) == 101
    assert run(status_of(None)) == 101


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://localhost", "localhost:443", 101),
        ("https://localhost:443", "localhost", 101),
        ("http://localhost", "localhost:80", 101),
        ("HTTPS://LOCALHOST", "localhost", 101),
        ("https://localhost", "LocalHost", 101),
        ("https://localhost.", "localhost", 101),
        ("https://localhost", "localhost.", 101),
        ("https://GHOSTNET.example:443", "localhost", 101),
        ("http://localhost", "localhost:443", 403),
        ("https://localhost:8443", "localhost", 403),
        ("https://localhost.evil.example", "localhost", 403),
        ("https://evil.example", "evil.example", 403),
        (None, "evil.example", 403),
        (None, "localhost", 101),
    ],
)
def test_an_origin_is_ours_however_it_is_written_and_a_host_must_be(
    client: WebClient, origin: str | None, host: str, status: int
) -> None:
    assert handshake(client, host=host, **({} if origin is None else {"origin": origin})) == status


def test_behind_a_proxy_that_rewrites_the_host_ours_is_the_one_that_was_asked_for(strict_client: WebClient) -> None:
    page = {"host": "web:8000", "origin": "https://localhost", "x-forwarded-host": "localhost"}
    assert handshake(strict_client, **page) == 101
    assert handshake(strict_client, **page | {"x-forwarded-host": "evil.example"}) == 403
    assert handshake(strict_client, **page | {"x-forwarded-host": "localhost, web"}) == 403


def handshake(client: WebClient, **headers: str) -> int:
    """The status of a handshake with these headers."""
    fields = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"} | headers
    fields["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    request = "GET /ws HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    with sockets.create_connection(("127.0.0.1", client.port or 0), timeout=30) as raw:
        raw.sendall(request.encode())
        return int(raw.recv(4096).split()[1])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws", {}, 101),
        ("/ws", {"Daphne-Root-Path": "/elsewhere"}, 101),
        ("/", {}, 403),
        ("/ws/", {}, 403),
        ("/api/v1/status", {}, 403),
    ],
)
def test_sockets_are_served_on_one_path(client: WebClient, path: str, headers: dict[str, str], status: int) -> None:
    async def work() -> int:
        try:
            async with connect_socket(f"ws://127.0.0.1:{client.port}{path}", additional_headers=headers):
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    assert run(work()) == status


def test_a_request_without_a_handshake_is_asked_for_one(client: WebClient) -> None:
    """As it comes from a browser's address field, or through a proxy that drops `Upgrade`."""
    answer = client.get("/ws")
    assert (answer.status_code, answer.reason, answer["Upgrade"]) == (426, "Upgrade Required", "websocket")
    assert "a proxy on the way drops the header Upgrade" in problem_of(answer)["detail"]


def test_there_is_nothing_to_log_in_to(client: WebClient) -> None:
    async def work(**headers: str) -> Any:
        async with dial(client, additional_headers=headers) as socket:
            return await receive(socket)

    assert run(work(Authorization="Bearer of.a.token", Cookie="sessionid=0123456789abcdef")) == run(work())
