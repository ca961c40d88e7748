"""Measure the latency from a block at the node to a WebSocket client, by stage.

`DATABASE_URL=… python -m benchmarks.latency` on an empty, migrated database. Node, indexer, web server and client are
processes of one machine and read the same clock. With IGGY_URL set a relay runs too, and events go through Iggy.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.clock import shown
from benchmarks.live_chain import PLAY_BEGINS, environment_of, live_node, running, web_server
from benchmarks.marks import STAGES
from benchmarks.setup import set_up

Times = dict[int, float]
"""Seconds of the monotonic clock by block."""
PORT = 8198


async def listen(node: Any, blocks: int, rate: float) -> tuple[Times, Times]:
    """Advance the node by `rate` blocks a second; return when each block was there, and when its first event came."""
    from websockets.asyncio.client import connect

    advanced: Times = {}
    received: Times = {}
    advance = node.chain.advance

    def noting() -> bool:
        advanced[node.chain.head + 1] = time.monotonic()
        return bool(advance())

    node.chain.advance = noting

    async def events() -> None:
        async with connect(f"ws://127.0.0.1:{PORT}/ws") as socket:
            await socket.send(json.dumps({"type": "SUBSCRIBE", "channels": ["feed", "tokens"]}))
            async for text in socket:
                now = time.monotonic()
                message = json.loads(text)
                if message["type"] == "FEED_EVENT":
                    received.setdefault(message["event"]["block"], now)

    task = asyncio.create_task(events())
    await asyncio.sleep(2)
    for _ in range(blocks):
        started = time.monotonic()
        await asyncio.to_thread(node.advance)
        await asyncio.sleep(max(0, started + 1 / rate - time.monotonic()))
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return advanced, received


def marks_of(lines: Iterable[str]) -> dict[str, Times]:
    """When each block first passed each stage, from the lines that `benchmarks.marks` prints."""
    found: dict[str, Times] = {stage: {} for stage in STAGES}
    for line in lines:
        stage, block, seconds = line.split()
        found[stage].setdefault(int(block), float(seconds))
    return found


def print_ages(stage: str, advanced: Times, passed: Times) -> None:
    """Print the milliseconds between a block at the node and its passing of a stage: median, p99 and slowest."""
    ages = sorted((passed[number] - start) * 1000 for number, start in advanced.items() if number in passed)
    if ages:
        print(f"{stage:9}  {len(ages)} blocks  {shown(ages)}")


def main() -> None:
    """Start all processes, advance the node, and print the latencies by stage."""
    set_up()
    with live_node(PLAY_BEGINS) as node, tempfile.TemporaryFile("w+") as marks:
        indexer = ["-m", "benchmarks.marks", "index_chain", "--relay"]
        with running(environment_of(node), indexer, web_server(PORT), output=marks):
            time.sleep(15)
            advanced, received = asyncio.run(listen(node, 400, 20))
        marks.seek(0)
        for stage, passed in {**marks_of(marks), "received": received}.items():
            print_ages(stage, advanced, passed)


if __name__ == "__main__":
    main()
