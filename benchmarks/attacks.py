"""Attack the web server from one address, ADDRESS: `python -m benchmarks.attacks NAME PORT SECONDS`.

Prints a count of each answer: statuses, close codes, and connections that ended without one.
"""

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import ClientSession, CookieJar

from benchmarks.asking import ADDRESS, FRAGMENT, PING, PLAYER, burst, count, dial, forever, found
from benchmarks.oddities import ODDITIES
from benchmarks.sockets import HANDSHAKE, message


async def _flood(port: int, frames: bytes, pause: float = 0) -> None:
    """Send messages over a socket and read the answers; open another one when it is closed."""
    while True:
        reader, writer = await dial(port)
        try:
            while True:
                writer.write(frames)
                await writer.drain()
                if not await asyncio.wait_for(reader.read(1 << 20), 5):
                    break
                await asyncio.sleep(pause)
        except (OSError, TimeoutError):
            pass
        found["closed"] += 1
        writer.transport.abort()


async def _pings(port: int) -> None:
    await _flood(port, PING * 500)


async def _fragments(port: int) -> None:
    await _flood(port, b"\x01\x80\0\0\0\0" + FRAGMENT * 2_000)


async def _replays(port: int) -> None:
    async def one() -> None:
        while True:
            reader, writer = await dial(port)
            writer.write(message(b'{"type":"SUBSCRIBE","channels":["feed","tokens"],"since":"0"}'))
            size = 0
            while (chunk := await reader.read(1 << 20)) and size < 3_000_000:
                size += len(chunk)
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(50)))


async def _known_replays(port: int) -> None:
    """Sockets that ask for what they have been sent: it is read once more, and only SUBSCRIBED is sent."""
    again = message(b'{"type":"SUBSCRIBE","channels":["feed","tokens"],"since":"0"}')

    async def one() -> None:
        reader, writer = await dial(port)
        writer.write(again * 100)
        while await reader.read(1 << 20):
            pass
        found["closed"] += 1
        writer.transport.abort()

    await forever(50, one)


async def _documents(port: int) -> None:
    await burst(port, lambda number: f"/api/v1/openapi.json?n={number}")


async def _volume(port: int) -> None:
    def path(number: int) -> str:
        start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=number % 10_000_000)
        end = start + timedelta(hours=4_990)
        return f"/api/v1/stats/volume?interval=hour&from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"

    await burst(port, path)


async def _offsets(port: int) -> None:
    await burst(port, lambda number: f"/api/v1/positions/{PLAYER}/history?limit=100&offset={number % 1_000_000}")


async def _body(port: int) -> None:
    while True:
        _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
        writer.write(b"POST /api/v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1500000000\r\n\r\n")
        try:
            for _ in range(1_500):
                writer.write(bytes(1_000_000))
                await writer.drain()
            found["taken"] += 1
        except OSError:
            found["refused"] += 1
        writer.transport.abort()


async def _pages(port: int) -> None:
    async def one() -> None:
        while True:
            await count(port, f"/player/0x{random.getrandbits(160):040x}")

    await asyncio.gather(*(one() for _ in range(250)))


async def _root_path(port: int) -> None:
    async def one() -> None:
        while True:
            await count(port, f"/x/api/v1/positions/0x{random.getrandbits(160):040x}", "Daphne-Root-Path: /x\r\n")

    await asyncio.gather(*(one() for _ in range(4)))


async def _half_requests(port: int, more: bytes) -> None:
    """1,000 connections with a part of a head, to which a byte comes each second."""
    opened = [await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0)) for _ in range(1_000)]
    for _, writer in opened:
        writer.write(more)
    while True:
        await asyncio.sleep(1)
        for _, writer in opened:
            if not writer.is_closing():
                writer.write(b"x")


async def _slow_headers(port: int) -> None:
    await _half_requests(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")


async def _half_handshakes(port: int) -> None:
    await _half_requests(port, HANDSHAKE[:-4])


async def _subscriptions(port: int) -> None:
    texts = [f'{{"type":"{kind}","channels":["feed"]}}' for kind in ("SUBSCRIBE", "UNSUBSCRIBE")]
    await _flood(port, b"".join(message(text.encode()) for text in texts), pause=60 / 2_500)


async def _player_pages(port: int) -> None:
    async def paced() -> None:
        while True:
            await count(port, f"/player/0x{random.getrandbits(160):040x}")
            await asyncio.sleep(0.2)

    await asyncio.gather(*(paced() for _ in range(4)))


async def sign_in(port: int) -> str:
    """The cookie of an operator's session (`benchmarks.strangers` makes the account)."""
    url = f"http://127.0.0.1:{port}/admin/login/"
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        form = await (await session.get(url)).text()
        token = form.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"csrfmiddlewaretoken": token, "username": "bench", "password": "of-a-benchmark"}
        await session.post(url, data=fields)
        (session_id,) = [cookie.value for cookie in session.cookie_jar if cookie.key == "sessionid"]
        return f"sessionid={session_id}"


async def _searches(port: int) -> None:
    cookie = f"Cookie: {await sign_in(port)}\r\n"

    async def one() -> None:
        while True:
            await count(port, f"/admin/indexer/chainevent/?q={random.getrandbits(40):x}", cookie)

    await asyncio.gather(*(one() for _ in range(5)))


ATTACKS: Final[dict[str, Callable[[int], Awaitable[None]]]] = {
    "pings as fast as pongs are read": _pings,
    "empty fragments": _fragments,
    "50 sockets replay from 0": _replays,
    "50 sockets replay again what they have": _known_replays,
    "100 documents with ?n= at once": _documents,
    "100 × 5,000 buckets of volume at once": _volume,
    "100 × history by offset at once": _offsets,
    "bodies of 1.5 GB": _body,
    "250 connections to players' pages": _pages,
    "Daphne-Root-Path": _root_path,
    "1,000 slow headers": _slow_headers,
    "1,000 half-open handshakes": _half_handshakes,
    "5,000 (un)subscriptions a minute": _subscriptions,
    "1,000 players' pages a minute": _player_pages,
    "searches in the admin": _searches,
    **ODDITIES,
}


def main() -> None:
    """Attack for some seconds, and print the counts of answers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()

    async def work() -> None:
        try:
            await asyncio.wait_for(ATTACKS[options.name](options.port), options.seconds)
        except TimeoutError:
            print(", ".join(f"{times} × {name}" for name, times in sorted(found.items())))

    asyncio.run(work())


if __name__ == "__main__":
    main()
