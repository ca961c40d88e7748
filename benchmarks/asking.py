"""Parts of the attacks (`benchmarks.attacks`): requests and sockets of one address, and a count of the answers."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks.sockets import HANDSHAKE

ADDRESS: Final = "127.0.0.66"
HEAD: Final = "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n"
PING: Final = b"\x89\x80\0\0\0\0"
FRAGMENT: Final = b"\x00\x80\0\0\0\0"
PLAYER: Final = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
PAUSE: Final = 3.0
"""Seconds between bursts."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
found: Counter[str] = Counter()


async def get(port: int, path: str, more: str = "", address: str = ADDRESS) -> tuple[int, float]:
    """The status of an answer, and the seconds until its end; 0 for a connection that ended without one."""
    started = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(HEAD.format(path=path, more=more).encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split(None, 2)[1]), time.perf_counter() - started
    except (OSError, IndexError):
        return 0, time.perf_counter() - started


async def count(port: int, path: str, more: str = "", address: str = ADDRESS) -> None:
    """Ask, and count the answer."""
    status, _ = await get(port, path, more, address)
    found[str(status or "reset")] += 1


async def forever(connections: int, one: Callable[[], Awaitable[None]]) -> None:
    """So many at the same time, each again and again."""

    async def again() -> None:
        while True:
            await one()

    await asyncio.gather(*(again() for _ in range(connections)))


async def burst(port: int, path: Callable[[int], str], times: int = 100) -> None:
    """Send a number of requests at once, repeatedly."""
    while True:
        await asyncio.gather(*(count(port, path(random.getrandbits(40))) for _ in range(times)))
        await asyncio.sleep(PAUSE)


async def dial(port: int) -> Streams:
    """An open socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
    writer.write(HANDSHAKE)
    status = (await reader.readuntil(b"\r\n")).split()[1]
    found[f"handshake {status.decode()}"] += 1
    return reader, writer
