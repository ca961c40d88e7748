"""A client of `/ws` that prints when each event comes: `python -m benchmarks.listener ws://127.0.0.1:8197/ws`.

A line is `status block key seconds`, by the machine's monotonic clock. It is a process of its own: one that is busy
with something else, as a node, would count its own waiting for the interpreter's lock.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import connect


class Event(msgspec.Struct, frozen=True):
    """What is read of an event."""

    block: int


class Frame(msgspec.Struct):
    """What is read of a message."""

    type: str
    status: str = ""
    key: str = ""
    event: Event = Event(0)


class Received(NamedTuple):
    """An event at a client; `at` in seconds of the monotonic clock."""

    status: str
    block: int
    key: str
    at: float


def received(lines: Iterable[str]) -> list[Received]:
    """The events of what a listener has printed."""
    found = (line.split() for line in lines)
    return [Received(status, int(block), key, float(at)) for status, block, key, at in found]


async def listen(url: str) -> None:
    """Subscribe to all events, also before their block, and print them."""
    decode = msgspec.json.Decoder(Frame).decode
    async with connect(url) as socket:
        await socket.send('{"type":"SUBSCRIBE","channels":["feed","tokens"],"preconfirmed":true}')
        async for text in socket:
            now = time.monotonic()
            frame = decode(text)
            if frame.type == "FEED_EVENT":
                sys.stdout.write(f"{frame.status} {frame.event.block} {frame.key} {now}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what was printed is written to the end
    asyncio.run(listen(sys.argv[1]))
