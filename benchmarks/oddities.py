"""Attacks by unusual requests: expensive headers, endless lists, answers that the client does not read."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count as numbers
from typing import Final

from aiohttp import ClientSession, CookieJar, TCPConnector

from benchmarks.asking import ADDRESS, PLAYER, count, forever, found
from benchmarks.sockets import HANDSHAKE

KNOWN: Final = f"/api/v1/positions/{PLAYER}"
BUNDLE: Final = "/static/ninja/swagger-ui-bundle.js"
"""The largest file: 1.4 MB."""


async def _nothing(port: int) -> None:
    async def one() -> None:
        under = random.choice(("api/v1", "player", "static", "admin", "static/ghostnet", "tx", "health"))
        await count(port, f"/{under}/{random.getrandbits(40):x}")

    await forever(20, one)


async def _parameters(port: int) -> None:
    await forever(20, lambda: count(port, f"{KNOWN}?n={random.getrandbits(40)}{'&a' * 7_000}"))


async def _headers(port: int) -> None:
    lists = {
        "If-None-Match": '"a",' * 4_000,
        "Accept-Encoding": "a," * 8_000,
        "Cookie": "a=;" * 5_000,
        "Accept-Language": "de," * 5_000,
        "X-Forwarded-For": "1," * 8_000,
    }

    async def one() -> None:
        name = random.choice(list(lists))
        await count(port, random.choice((KNOWN, "/", "/admin/login/")), f"{name}: {lists[name]}\r\n")

    await forever(20, one)


async def _ranges(port: int) -> None:
    await forever(20, lambda: count(port, BUNDLE, f"Range: bytes={','.join('0-,1-' for _ in range(2_000))}\r\n"))


async def _write_and_read(port: int, data: bytes, *, read: bool = True) -> None:
    """Send over a connection, then read until its end, or nothing for ten seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0), limit=1 << 12)
    if not read:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a transport for reading, too
    try:
        writer.write(data)
        while read and (chunk := await reader.read(1 << 16)):
            found["answers"] += chunk.count(b"HTTP/1.1 ")
        await asyncio.sleep(0 if read else 10)
    except OSError:
        found["reset"] += 1
    writer.transport.abort()


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def _pipelined(port: int) -> None:
    last = _request(KNOWN).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    await forever(5, lambda: _write_and_read(port, _request(KNOWN) * 1_000 + last))


async def _unread(port: int) -> None:
    await forever(390, lambda: _write_and_read(port, _request(BUNDLE) * 100, read=False))


async def _unread_last(port: int) -> None:
    last = _request(BUNDLE).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    await forever(390, lambda: _write_and_read(port, last, read=False))


async def _chunks(port: int) -> None:
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    await forever(20, lambda: _write_and_read(port, head + b"1\r\na\r\n" * 200_000))


async def _subprotocols(port: int) -> None:
    offer = HANDSHAKE[:-2] + b"Sec-WebSocket-Protocol: %b\r\n\r\n" % b",".join(b"%x" % n for n in range(3_000))
    await forever(20, lambda: _write_and_read(port, offer + b"\x88\x80\0\0\0\0"))


async def _connections(port: int) -> None:
    async def one() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
        writer.transport.abort()
        found["opened"] += 1

    await forever(100, one)


async def _probes(port: int) -> None:
    await forever(20, lambda: count(port, random.choice(("/metrics", "/health/ready", "/health/live"))))


async def _guess(port: int, address: Callable[[], str]) -> None:
    """Guess a password in the way of a browser."""
    url = f"http://127.0.0.1:{port}/admin/login/"
    connector = TCPConnector(local_addr=(address(), 0))
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), connector=connector) as session:
        form = await (await session.get(url)).text()
        if 'csrfmiddlewaretoken" value="' not in form:
            found["no form"] += 1
            return
        token = form.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"csrfmiddlewaretoken": token, "username": "bench", "password": f"{random.getrandbits(40)}"}
        for _ in range(5):
            answer = await session.post(url, data=fields)
            await answer.read()
            found[f"guess {answer.status}"] += 1


async def _guesses(port: int) -> None:
    await forever(20, lambda: _guess(port, lambda: ADDRESS))


async def _guesses_of_many(port: int) -> None:
    following = numbers()

    def address() -> str:
        number = next(following)
        return f"127.2.{number // 200}.{1 + number % 200}"

    await forever(100, lambda: _guess(port, address))


ODDITIES: Final[dict[str, Callable[[int], Awaitable[None]]]] = {
    "paths that nothing is at": _nothing,
    "7,000 parameters": _parameters,
    "headers that are lists of thousands": _headers,
    "2,000 ranges": _ranges,
    "1,000 pipelined requests at once": _pipelined,
    "pipelined files that nobody reads": _unread,
    "files that nobody reads": _unread_last,
    "bodies in chunks of a byte": _chunks,
    "handshakes with 3,000 subprotocols": _subprotocols,
    "connections opened and closed": _connections,
    "what probes ask for": _probes,
    "guessed passwords": _guesses,
    "passwords guessed from 100 addresses at once": _guesses_of_many,
}
