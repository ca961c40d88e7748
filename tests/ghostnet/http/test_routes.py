"""Unknown paths are answered without Django, and count as requests."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from ghostnet.http.limits import REFUSALS_AT_ONCE, ClientLimits
from ghostnet.http.routes import Routes, is_file, is_routed


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/", True),
        ("/admin", True),
        ("/api/v1/status", True),
        ("/player/nobody", True),
        ("/nothing", False),
        ("/api/v1/nothing", False),
        ("/x/api/v1/status", False),
        ("/" + "a/" * 8_000, False),
    ],
)
def test_a_path_is_known_if_a_route_matches_it(path: str, there: bool) -> None:
    assert is_routed(path) is there


@pytest.mark.parametrize("name", ["nothing.js", "", "../settings.py", "a" * 16_000, "a\0b", "/etc/passwd"])
def test_what_is_no_file_is_none(name: str) -> None:
    assert is_file("/static/ghostnet/live.js")
    assert not is_file(f"/static/{name}")


def test_who_asks_for_what_is_not_there_uses_up_requests_and_waits() -> None:
    limits = ClientLimits(2)

    async def work() -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError(f"{scope['path']} is not there")

        async def one(path: str, client: str = "192.0.2.1") -> list[Any]:
            found = list[Any]()

            async def send(message: Any) -> None:
                found.append(message)

            scope = {"type": "http", "path": path, "client": (client, 1)}
            await Routes(application, limits)(scope, asyncio.Queue[Any]().get, send)
            return found

        (page, _), (problem, _) = await one("/nothing"), await one("/api/nothing")
        kinds = [dict(start["headers"])[b"Content-Type"] for start in (page, problem)]
        assert kinds == [b"text/html; charset=utf-8", b"application/problem+json"]
        assert (page["status"], problem["status"]) == (404, 404)
        assert not limits.take_request("192.0.2.1")
        for _ in range(REFUSALS_AT_ONCE):
            await one("/nothing")
        waits = asyncio.create_task(one("/nothing"))
        await one("/nothing", "192.0.2.2")
        assert not waits.done()
        waits.cancel()

    asyncio.run(asyncio.wait_for(work(), 150))
