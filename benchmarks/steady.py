"""Send requests to the API at a fixed rate, however slow it is: `python -m benchmarks.steady URL RATE SECONDS`.

Players' positions, the vitals and a board in turn, on connections that are kept. Times are from the moment at which a
request is due, so that one that waits for a free connection counts as late.
"""

import argparse
import asyncio
import statistics
import time
from itertools import cycle
from urllib.parse import urlsplit

from benchmarks.setup import set_up

CONNECTIONS = 20


class Asker:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, path: str) -> None:
        """Ask for a path, and read the answer, which must be a 200."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(int(length.partition(b":")[2]))


async def ask(url: str, rate: float, seconds: float) -> None:
    """Ask, and print how many milliseconds the answers took."""
    from benchmarks.api import players

    known = await asyncio.to_thread(players)
    positions = cycle(f"/api/v1/positions/{player}" for player in known or ["0x" + "11" * 20])
    shared = cycle(["/api/v1/network", "/api/v1/leaderboard/streak?limit=100"])
    place = urlsplit(url)
    free: asyncio.Queue[Asker] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Asker(*await asyncio.open_connection(place.hostname, place.port)))
    took: list[float] = []

    async def one(path: str, due: float) -> None:
        asker = await free.get()
        await asker.get(path)
        free.put_nowait(asker)
        took.append((time.perf_counter() - due) * 1000)

    first = await free.get()
    for path in (next(positions), next(shared), next(shared)):
        await first.get(path)
    free.put_nowait(first)
    print("ready", flush=True)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            group.create_task(one(next(shared if number % 2 else positions), due))
    took.sort()
    half, most = statistics.median(took), took[int(len(took) * 0.99)]
    print(f"{rate}/s requests: p50 {half:.1f} ms  p99 {most:.1f} ms  slowest {took[-1]:.1f} ms  {len(took)} answers")


def main() -> None:
    """Ask as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    set_up()
    asyncio.run(ask(options.url, options.rate, options.seconds))


if __name__ == "__main__":
    main()
