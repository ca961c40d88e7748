"""Measure the answer times of well-behaved clients while one address attacks the server (`benchmarks.attacks`).

`ulimit -n 20000; DATABASE_URL=… python -m benchmarks.strangers` on an empty, migrated database: the season is indexed,
then one daphne with its default limits serves it, while 10 blocks a second are added. For each attack it prints the
median, the 90th and the 99th percentile, in milliseconds, of answers of the API, a player's page, the login and the
feed.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.asking import PLAYER, get
from benchmarks.attacks import ATTACKS
from benchmarks.fanout import EVENT, SUBSCRIBE, memory_of, write
from benchmarks.setup import set_up
from benchmarks.sockets import HANDSHAKE, message

SEASON = Path(__file__).parent.parent / "fixtures" / "season.jsonl.gz"
QUIET = "nothing (quiet)"
BLOCKS_PER_SECOND = 10
PROBES = {
    "REST": (f"/api/v1/positions/{PLAYER}?min_block=1007", 0.1),
    "page": (f"/player/{PLAYER}", 0.2),
    "login": ("/admin/login/", 0.1),
}
"""Paths, and the seconds between two requests for each; each request comes from another address. In
20 seconds there are a hundred at least, or the 99th percentile would be the slowest one."""
_numbers = count()


def address() -> str:
    """The next of many well-behaved clients' addresses."""
    number = next(_numbers)
    return f"127.1.{number // 200 % 200}.{1 + number % 200}"


class Feed:
    """A client of the feed, which keeps the age of each event, in seconds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ages: list[float] = []

    async def run(self) -> None:
        """Listen forever; connect anew when the connection ends."""
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(address(), 0))
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(message(SUBSCRIBE))
            rest = b""
            while chunk := await reader.read(65_536):
                now, rest = time.monotonic(), rest + chunk
                while match := EVENT.search(rest):
                    self.ages.append(now - int(match[1]) / 1e9)
                    rest = rest[match.end() :]


async def ask(port: int, path: str, pause: float, times: list[float], bad: list[int]) -> None:
    """Ask forever, as often as a client without patience would: also while an answer is not there yet."""

    async def one() -> None:
        status, seconds = await get(port, path, address=address())
        times.append(seconds)
        if status != 200:
            bad.append(status)

    async with asyncio.TaskGroup() as tasks:
        while True:
            tasks.create_task(one())
            await asyncio.sleep(pause)


async def add_blocks() -> None:
    """Commit a block with an event, so many a second, forever."""
    from indexer.store.database import connect

    with await asyncio.to_thread(connect) as connection:
        (first,) = connection.execute("SELECT block_number + 1 FROM checkpoints").fetchone() or (0,)
        for block in count(first):
            await asyncio.to_thread(write, connection, block, 0)
            await asyncio.sleep(1 / BLOCKS_PER_SECOND)


async def measure(name: str, port: int, seconds: float) -> tuple[dict[str, list[float]], list[int], str]:
    """The times of each probe during an attack, the statuses other than 200, and the attacker's answers."""
    feed, bad = Feed(port), list[int]()
    times: dict[str, list[float]] = {probe: [] for probe in PROBES}
    tasks = [asyncio.create_task(feed.run()), asyncio.create_task(add_blocks())]
    await asyncio.sleep(0.5)
    attack = None
    if name != QUIET:
        command = [sys.executable, "-m", "benchmarks.attacks", name, str(port), str(seconds + 1)]
        attack = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        await asyncio.sleep(1)
    tasks += [asyncio.create_task(ask(port, *PROBES[probe], times[probe], bad)) for probe in PROBES]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    said = (await attack.communicate())[0].decode().strip() if attack else ""
    return times | {"feed": feed.ages}, bad, said


def line(name: str, times: dict[str, list[float]], bad: list[int], memory: int, said: str) -> str:
    """A row of the table."""
    cells = []
    for found in times.values():
        ordered = sorted(found) or [float("nan")]
        cells.append(" / ".join(f"{ordered[int(len(ordered) * part)] * 1000:.0f}" for part in (0.5, 0.9, 0.99)))
    others = f"; not 200: {len(bad)}" if bad else ""
    return f"| {name} | {' | '.join(cells)} | {memory >> 20} MB | {said}{others} |"


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """One daphne with its default limits, started as the image starts it; its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"tcp:port={port}:interface=127.0.0.1:backlog=1024"
    command = ["-m", "daphne", "--verbosity", "0", "--endpoint", endpoint, "ghostnet.asgi:application"]
    process = subprocess.Popen([sys.executable, *command])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def index_season() -> None:
    """Index the season, and make the account that searches in the admin."""
    from django.contrib.auth.models import User

    from indexer.models import Checkpoint

    if not Checkpoint.objects.exists():
        command = [sys.executable, "manage.py", "replay_chain", str(SEASON), "--port", "0", "--head", "1007"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
            assert node.stdout is not None
            ready = next(text for text in node.stdout if text.startswith("READY"))
            environment = os.environ | {"GHOSTNET_RPC_URLS": ready.split()[1]}
            subprocess.run([sys.executable, "manage.py", "index_chain", "--until-head"], env=environment, check=True)
            node.terminate()
        User.objects.create_superuser("bench", password="of-a-benchmark")


def main() -> None:
    """Print a row for each attack."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=[QUIET, *ATTACKS], nargs="*", default=[QUIET, *ATTACKS])
    options = parser.parse_args()
    set_up(GHOSTNET_HTTPS="false")
    index_season()
    print(f"| one address does this | {' | '.join(PROBES)} | feed | memory | it got |\n|---|---|---|---|---|---|---|")
    for name in options.only:
        with server() as (port, process):
            asyncio.run(warm_up(port))
            times, bad, said = asyncio.run(measure(name, port, options.seconds))
            print(line(name, times, bad, memory_of(process), said), flush=True)


async def warm_up(port: int) -> None:
    """Request each path once, as on a server that has been running for a while."""
    for path, _ in PROBES.values():
        await get(port, path, address=address())


if __name__ == "__main__":
    main()
