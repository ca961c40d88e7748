"""From a block on the node to a browser: `DATABASE_URL=… python -m benchmarks.latency` on an empty, migrated database.

Node, indexer, web server and browser are processes of one machine and read one clock. With IGGY_URL set, a relay runs
too, and events go through Iggy.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

SEASON = Path(__file__).parent.parent / "fixtures" / "season.jsonl.gz"
HEAD = 500
PORT = 8198


async def listen(node: Any, blocks: int, rate: float) -> None:
    """Advance the node block by block, and note when each is committed and when its first event arrives."""
    from websockets.asyncio.client import connect

    from indexer.stream.connection import connect as database

    advanced: dict[int, float] = {}
    committed: dict[int, float] = {}
    received: dict[int, float] = {}

    async def commits() -> None:
        async with await database("benchmark") as connection:
            await connection.execute("LISTEN ghostnet_head")
            async for notify in connection.notifies():
                committed.setdefault(int(notify.payload), time.monotonic())

    async def events() -> None:
        async with connect(f"ws://127.0.0.1:{PORT}/ws") as socket:
            await socket.send(json.dumps({"type": "SUBSCRIBE", "channels": ["feed", "tokens"]}))
            async for text in socket:
                now = time.monotonic()
                message = json.loads(text)
                if message["type"] == "FEED_EVENT":
                    received.setdefault(message["event"]["block"], now)

    tasks = [asyncio.create_task(commits()), asyncio.create_task(events())]
    await asyncio.sleep(2)
    for number in range(HEAD + 1, HEAD + 1 + blocks):
        advanced[number] = time.monotonic()
        await asyncio.to_thread(node.advance)
        await asyncio.sleep(max(0, advanced[number] + 1 / rate - time.monotonic()))
    await asyncio.sleep(2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for name, ends in (("committed", committed), ("received", received)):
        ages = sorted((ends[number] - start) * 1000 for number, start in advanced.items() if number in ends)
        half, most = ages[len(ages) // 2], ages[int(len(ages) * 0.99)]
        print(f"block to {name:9}  {len(ages)} blocks  p50 {half:.1f} ms  p99 {most:.1f} ms  slowest {ages[-1]:.1f} ms")


def main() -> None:
    """Start all processes, and listen."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    os.environ.setdefault("DJANGO_DEBUG", "false")
    os.environ.setdefault("DJANGO_SECRET_KEY", "of a benchmark, of a benchmark, of a benchmark")
    django.setup()
    from indexer.replay.recording import load_recording
    from indexer.replay.server import ReplayOptions, ReplayServer

    with ReplayServer(load_recording(SEASON), ReplayOptions(head=HEAD)) as node:
        environment = {**os.environ, "GHOSTNET_RPC_URLS": node.url, "GHOSTNET_RPC_WS_URL": node.ws_url}
        web = ["-m", "daphne", "--verbosity", "0", "-p", str(PORT), "ghostnet.asgi:application"]
        parts = [
            subprocess.Popen([sys.executable, *arguments], env=environment, stderr=subprocess.DEVNULL)
            for arguments in (["manage.py", "index_chain", "--relay"], web)
        ]
        try:
            time.sleep(8)
            asyncio.run(listen(node, 400, 20))
        finally:
            for part in parts:
                part.terminate()
                part.wait()


if __name__ == "__main__":
    main()
