"""Slots for pages: one address cannot take all of them."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send

from ghostnet.http.limits import WORK_SECONDS, ClientLimits
from ghostnet.http.page_slots import PageSlots
from ghostnet.http.retry_page import retry_page


async def answer_to(slots: PageSlots, client: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], str]:
    """The status, the headers and the text of an answer to a client."""
    found = list[dict[str, Any]]()

    async def send(message: Any) -> None:
        found.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": [], "client": (client, 1)}
    await slots(scope, asyncio.Queue[Any]().get, send)
    text = b"".join(message.get("body", b"") for message in found).decode()
    return found[0]["status"], dict(found[0].get("headers", ())), text


async def status_of(slots: PageSlots, client: str) -> int:
    """The status of an answer to a client."""
    return (await answer_to(slots, client))[0]


def test_one_address_leaves_places_for_others() -> None:
    async def work() -> None:
        goes_on, present = asyncio.Event(), list[str]()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            present.append(scope["client"][0])
            if scope["client"][0] == "192.0.2.1":
                await goes_on.wait()
            await send({"type": "http.response.start", "status": 200})

        slots = PageSlots(slow, 4, 400, ClientLimits(100))
        greedy = [asyncio.create_task(status_of(slots, "192.0.2.1")) for _ in range(140)]
        await asyncio.sleep(0)
        assert [await status_of(slots, f"192.0.2.{n}") for n in range(2, 9)] == [200] * 7
        assert present.count("192.0.2.1") == 1
        goes_on.set()
        statuses = await asyncio.gather(*greedy)
        assert (statuses.count(200), statuses.count(429)) == (101, 39)

    asyncio.run(asyncio.wait_for(work(), 150))


def test_whose_work_is_used_up_waits() -> None:
    async def work() -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200})

        limits = ClientLimits(100)
        slots = PageSlots(answer, 4, 400, limits)
        limits.charge("192.0.2.1", WORK_SECONDS + 1)
        assert await status_of(slots, "192.0.2.1") == 429
        assert await status_of(slots, "192.0.2.2") == 200

    asyncio.run(asyncio.wait_for(work(), 150))


def test_a_page_that_is_refused_is_one_of_ours_and_asked_for_again() -> None:
    async def work() -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200})

        limits = ClientLimits(100)
        limits.charge("192.0.2.1", WORK_SECONDS)
        slots = PageSlots(answer, 4, 400, limits)
        status, headers, text = await answer_to(slots, "192.0.2.1")
        assert status == 429
        assert headers[b"content-type"].startswith(b"text/html")
        assert headers[b"Content-Security-Policy"]
        assert 'href="/static/ghostnet/ghostnet.css"' in text
        assert f'<meta http-equiv="refresh" content="{headers[b"Retry-After"].decode()}">' in text
        status, headers, text = await answer_to(slots, "192.0.2.1", "POST")
        assert (status, "refresh" in text) == (429, False), "a form is not sent again by itself"
        full = PageSlots(answer, 0, 0, limits)
        assert "too many requests are waiting" in (await answer_to(full, "192.0.2.2"))[2]

    asyncio.run(asyncio.wait_for(work(), 150))


def test_a_refusal_is_rendered_once() -> None:
    first, again = (retry_page("Too many.", method, 7) for method in ("GET", "HEAD"))
    assert first is again
    others = {retry_page(*of) for of in (("Too few.", "GET", 7), ("Too many.", "POST", 7), ("Too many.", "GET", 8))}
    assert len(others - {first}) == 3
