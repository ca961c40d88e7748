"""Places of pages: one address cannot fill them."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send

from ghostnet.http.limits import WORK_SECONDS, ClientLimits
from ghostnet.http.places import Places


async def status_of(places: Places, client: str) -> int:
    """The status of an answer to a client."""
    found = list[int]()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (client, 1)}
    await places(scope, asyncio.Queue[Any]().get, send)
    return found[0]


def test_one_address_leaves_places_for_others() -> None:
    async def work() -> None:
        goes_on, present = asyncio.Event(), list[str]()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            present.append(scope["client"][0])
            if scope["client"][0] == "192.0.2.1":
                await goes_on.wait()
            await send({"type": "http.response.start", "status": 200})

        places = Places(slow, 4, 400, ClientLimits(100))
        greedy = [asyncio.create_task(status_of(places, "192.0.2.1")) for _ in range(140)]
        await asyncio.sleep(0)
        assert [await status_of(places, f"192.0.2.{n}") for n in range(2, 9)] == [200] * 7
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
        places = Places(answer, 4, 400, limits)
        limits.charge("192.0.2.1", WORK_SECONDS + 1)
        assert await status_of(places, "192.0.2.1") == 429
        assert await status_of(places, "192.0.2.2") == 200
        assert await status_of(Places(answer, 4, 400, limits, free=True), "192.0.2.1") == 200

    asyncio.run(asyncio.wait_for(work(), 150))
