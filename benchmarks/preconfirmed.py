"""Measure the latency from a mini-block at the node to a WebSocket client, and what reading ahead costs.

`DATABASE_URL=… python -m benchmarks.preconfirmed` on an empty, migrated database. Node, indexer, web server and client
are on one machine and read the same clock: 100 mini-blocks and about 20 events a second, two blocks a second.
"""

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.clock import shown
from benchmarks.live_chain import PLAY_BEGINS, environment_of, live_node, running, web_server
from benchmarks.setup import set_up

HEADS, PORT = (PLAY_BEGINS, PLAY_BEGINS + 300), 8197
"""The blocks at which the node begins, each time it is started."""
BLOCKS_PER_SECOND, MINI_BLOCK_MS, SECONDS = 2.0, 10.0, 40
WARM_UP = 15

Times = dict[str, float]
"""Seconds of the monotonic clock, by transaction or key."""


async def watch(early: Times, confirmed: Times) -> None:
    """Note when each key comes first, before its block and with it."""
    from websockets.asyncio.client import connect

    async with connect(f"ws://127.0.0.1:{PORT}/ws") as socket:
        await socket.send(json.dumps({"type": "SUBSCRIBE", "channels": ["feed", "tokens"], "preconfirmed": True}))
        async for text in socket:
            now = time.monotonic()
            message = json.loads(text)
            if message["type"] == "FEED_EVENT":
                (early if message["status"] == "preconfirmed" else confirmed).setdefault(message["key"], now)


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(realtime: str, head: int) -> tuple[Times, Times, Times, Times, float]:
    """Play the game for SECONDS: when each transaction was announced and each block sealed, when each key came before
    its block and with it, and the share of a core that the indexer has used."""
    from indexer.replay.mini_blocks import MiniBlockPlan, MiniBlocks

    announced: Times = {}
    sealed: Times = {}
    plain = MiniBlocks.next_part

    def noting(self: MiniBlocks, share: float = 1.0) -> Any:
        part = plain(self, share)
        for log in part:
            announced.setdefault(json.loads(log.json)["transactionHash"], time.monotonic())
        return part

    MiniBlocks.next_part = noting  # type: ignore[method-assign]
    plan = MiniBlockPlan(MINI_BLOCK_MS, timestamps=True)
    with live_node(head, blocks_per_second=BLOCKS_PER_SECOND, mini_blocks=plan) as node:
        advance = node.chain.advance

        def sealing() -> bool:
            following = node.chain.following()
            for transaction in following.transactions if following is not None else ():
                sealed.setdefault(transaction.hash, time.monotonic())
            return advance()

        node.chain.advance = sealing  # type: ignore[method-assign]
        environment = environment_of(node) | {"GHOSTNET_REALTIME": realtime}
        early: Times = {}
        confirmed: Times = {}
        with running(environment, ["manage.py", "index_chain"], web_server(PORT)) as (indexer, _):
            time.sleep(WARM_UP)
            before = cpu_seconds(indexer)
            asyncio.run(for_seconds(watch(early, confirmed), SECONDS))
            used = (cpu_seconds(indexer) - before) / SECONDS
    MiniBlocks.next_part = plain  # type: ignore[method-assign]
    return announced, sealed, early, confirmed, used


async def for_seconds(work: Any, seconds: float) -> None:
    """Let work go on for so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return


def print_ages(what: str, since: Times, came: Times) -> None:
    """Print the milliseconds between the events of `since` and those of `came`: median, p99 and slowest."""
    ages = sorted(
        (at - since[key.partition(":")[0]]) * 1000 for key, at in came.items() if key.partition(":")[0] in since
    )
    if ages:
        print(f"{what}: {len(ages)} events  {shown(ages)}")


def main() -> None:
    """Play the game twice, with and without reading ahead, and print latencies and costs."""
    set_up()
    announced, sealed, early, confirmed, used = measure("on", HEADS[0])
    print_ages("mini-block to preconfirmed frame", announced, early)
    print_ages("sealed block to confirmed frame", sealed, confirmed)
    known = [key for key in confirmed if key in early]
    print(f"{len(early)} preconfirmed, {len(confirmed)} confirmed, {len(known)} of these preconfirmed before")
    print(f"the indexer used {used:.1%} of a core")
    print("without reading ahead:")
    _, sealed, _, confirmed, used = measure("off", HEADS[1])
    print_ages("sealed block to confirmed frame", sealed, confirmed)
    print(f"the indexer used {used:.1%} of a core")


if __name__ == "__main__":
    main()
