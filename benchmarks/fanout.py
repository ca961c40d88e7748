"""Measure the latency of `/ws` from one web process to many clients.

`DATABASE_URL=… python -m benchmarks.fanout CLIENTS EVENTS_PER_SECOND`, on a migrated database, empty or not. Events are
inserted into the archive, one per block; each carries the time of a clock that all processes share, from which its age
at each client is computed. Clients are plain sockets in this process, and parse nothing before the end.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.setup import set_up
from benchmarks.sockets import HANDSHAKE, message

SUBSCRIBE = b'{"type":"SUBSCRIBE","channels":["feed"]}'
PORT = 8199
AT_ONCE = 20
"""How many clients connect at the same time."""
EVENT = re.compile(rb'"amount":"([0-9]+)".*?"status":"[a-z]+"')


class Listener(asyncio.Protocol):
    """A client that stores what it receives with the time, and parses it later; a slow one stops reading."""

    def __init__(self, *, slow: bool = False) -> None:
        self._slow = slow
        self.closed = False
        self.ready = asyncio.get_running_loop().create_future()
        self.received: list[tuple[float, bytes]] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        self.received.append((time.monotonic(), data))
        if not self.ready.done():
            if data.startswith(b"HTTP/1.1 101"):
                self._transport.write(message(SUBSCRIBE))
            elif b'"SUBSCRIBED"' in data:
                self.ready.set_result(None)
                if self._slow:
                    self._transport.pause_reading()

    def read_on(self) -> None:
        """Let a slow client read again."""
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def ages(self) -> list[float]:
        """The age of each event in milliseconds when its last byte arrived."""
        found, rest = [], b""
        for now, data in self.received:
            rest += data
            while match := EVENT.search(rest):
                found.append((now - int(match[1]) / 1e9) * 1000)
                rest = rest[match.end() :]
        return found


async def dial(*, slow: bool) -> Listener:
    """Connect and subscribe a client; a slow one has small buffers, so that unread frames wait in the server."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setblocking(False)
    if slow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await loop.sock_connect(client, ("127.0.0.1", PORT))
    _, listener = await loop.create_connection(partial(Listener, slow=slow), sock=client)
    await listener.ready
    return listener


async def listen(options: argparse.Namespace) -> None:
    """Connect clients, write events, and print how old the events were when they arrived."""
    from indexer.store.database import connect

    clients, slow, rate, events = options.clients, options.slow, options.rate, int(options.seconds * options.rate)
    started = time.monotonic()
    listeners: list[Listener] = []
    for start in range(0, clients, AT_ONCE):
        listeners += await asyncio.gather(*(dial(slow=False) for _ in range(start, min(start + AT_ONCE, clients))))
    sleepers = await asyncio.gather(*(dial(slow=True) for _ in range(slow)))
    print(f"{clients} clients and {len(sleepers)} slow ones connected in {time.monotonic() - started:.0f} s")
    with await asyncio.to_thread(connect) as connection:
        asker = None if options.requests is None else await _ask(options.requests, options.seconds)
        (first,) = connection.execute("SELECT block_number + 1 FROM checkpoints").fetchone() or (0,)
        for number in range(events):
            await asyncio.to_thread(write, connection, first + number, options.bytes)
            await asyncio.sleep(1 / rate)
    await asyncio.sleep(3)
    if asker is not None:
        print((await asker.communicate())[0].decode(), end="")
    if sleepers:
        for sleeper in sleepers:
            sleeper.read_on()
        await asyncio.sleep(3)
        print(f"{sum(sleeper.closed for sleeper in sleepers)} of the slow ones were closed")
    ages = sorted(age for listener in listeners for age in listener.ages())
    lost = clients * events - len(ages)
    half, most = statistics.median(ages), ages[int(len(ages) * 0.99)]
    print(f"{clients} clients, {rate}/s: p50 {half:.1f} ms  p99 {most:.1f} ms  slowest {ages[-1]:.1f} ms  lost {lost}")


async def _ask(rate: float, seconds: float) -> asyncio.subprocess.Process:
    """Start a process that asks the API at this rate for this time."""
    command = ["-m", "benchmarks.steady", f"http://127.0.0.1:{PORT}", str(rate), str(seconds)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


def write(connection: Any, block: int, padding: int) -> None:
    """Commit a block with one event, whose `amount` is the time in nanoseconds of the monotonic clock, and announce it
    as the indexer does."""
    from indexer.domain.chain import Header
    from indexer.domain.units import first_id
    from indexer.records.rows import ChainEventRow
    from indexer.store.checkpoint import HEAD_CHANNEL
    from indexer.stream.commit_payload import commit_payload

    with connection.transaction():
        args = {"level": "1", "amount": str(time.monotonic_ns()), "padding": "." * padding}
        seconds = int(time.time())
        event: list[Any] = [
            first_id(block),
            seconds,
            "0x" + "01" * 32,
            0,
            "GhostCore",
            "EmissionsAdded",
            json.dumps(args),
        ]
        header: list[Any] = [block, f"0x{block:064x}", f"0x{block - 1:064x}", seconds]
        row = ChainEventRow(*event)
        connection.execute(
            "INSERT INTO chain_events (id, block_time, tx_hash, tx_index, contract, name, args)"
            " VALUES (%s, to_timestamp(%s), %s, %s, %s, %s, %s)",
            (*row[:2], b"\x01" * 32, *row[3:]),
        )
        connection.execute("UPDATE checkpoints SET block_number = %s, revision = revision + 1", (block,))
        connection.execute(
            "SELECT pg_notify(%s, concat_ws(' ', block_number, revision, %s::text)) FROM checkpoints",
            (HEAD_CHANNEL, commit_payload({ChainEventRow: [row]}, Header(*header), block)),
        )


def memory_of(pid: int) -> int:
    """The resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Start a server, run the clients, and print latency and memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", type=int)
    parser.add_argument("rate", type=float)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--bytes", type=int, default=0, help="so much longer events, which fill slow clients' buffers")
    parser.add_argument("--requests", type=float, help="so many requests a second to the API besides")
    parser.add_argument("--slow", type=int, default=0, help="so many more clients that do not read")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    set_up(GHOSTNET_RATE_LIMIT="0")  # all clients have one address
    from indexer.store.checkpoint import start_chain
    from indexer.store.database import connect

    with connect() as connection:
        if not connection.execute("SELECT FROM checkpoints").rowcount:
            start_chain(connection, 1, 0, {})
        connection.execute("UPDATE checkpoints SET block_number = greatest(block_number, 1), revision = revision + 1")
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "daphne",
            "--verbosity",
            "0",
            "--ping-interval",
            "3600",
            "-p",
            str(PORT),
            "ghostnet.asgi:application",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(3)
        before = memory_of(server.pid)
        asyncio.run(listen(options))
        each = (memory_of(server.pid) - before) / options.clients
        print(f"{each / 1000:.1f} kB of the server's memory per connection")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
