"""Measure the latency from a mini-block at the node to a WebSocket client, and what reading ahead costs.

`DATABASE_URL=… python -m benchmarks.preconfirmed` on an empty, migrated database. Node, indexer, database, web server
and client are processes of one machine and read the same clock: 100 mini-blocks and about 20 events a second. The clock
starts in the node as it sends. `--game season` plays another game, `--events 5` fewer events.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.clock import parent_of, processor_seconds, shown
from benchmarks.listener import received
from benchmarks.live_chain import GAMES, Game, environment_of, listener, live_node, running, web_server
from benchmarks.setup import set_up

PORT = 8197
MINI_BLOCK_MS, SECONDS, WARM_UP = 10.0, 40, 15
PLAYED = 80
"""Seconds of the game that one measurement uses."""

Times = dict[str, float]
"""Seconds of the monotonic clock, by transaction or key."""


class Measured:
    """When each transaction was announced and each block sealed, when each key came before its block and with it, and
    the share of a core that each process has used."""

    def __init__(self) -> None:
        self.announced: Times = {}
        self.sealed: Times = {}
        self.early: Times = {}
        self.confirmed: Times = {}
        self.used: dict[str, float] = {}
        self.logs = 0


def database_process() -> int:
    """The database server's process."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone() or (0,)
    return parent_of(backend)


@contextmanager
def noting_announcements(measured: Measured) -> Iterator[None]:
    """Note the time at which the node sends each transaction of a mini-block."""
    from indexer.replay.mini_blocks import MiniBlocks

    plain = MiniBlocks.next_part

    def noting(self: MiniBlocks, share: float = 1.0) -> Any:
        part = plain(self, share)
        for log in part:
            measured.announced.setdefault(json.loads(log.json)["transactionHash"], time.monotonic())
        return part

    MiniBlocks.next_part = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        MiniBlocks.next_part = plain  # type: ignore[method-assign]


def measure(realtime: str, game: Game, head: int, blocks_per_second: float) -> Measured:
    """Play the game for SECONDS."""
    from indexer.replay.mini_blocks import MiniBlockPlan

    measured = Measured()
    plan = MiniBlockPlan(MINI_BLOCK_MS, timestamps=True)
    with (
        noting_announcements(measured),
        live_node(game, head, blocks_per_second=blocks_per_second, mini_blocks=plan) as node,
        tempfile.TemporaryFile("w+") as frames,
    ):
        advance = node.chain.advance

        def sealing() -> bool:
            following = node.chain.following()
            for transaction in following.transactions if following is not None else ():
                measured.sealed.setdefault(transaction.hash, time.monotonic())
                measured.logs += len(transaction.logs)
            return advance()

        node.chain.advance = sealing  # type: ignore[method-assign]
        environment = environment_of(node, game) | {"GHOSTNET_REALTIME": realtime}
        with running(environment, ["manage.py", "index_chain"], web_server(PORT)) as (indexer, web):
            time.sleep(WARM_UP)
            processes = {"indexer": indexer.pid, "web server": web.pid, "database": database_process()}
            with running(environment, listener(PORT), output=frames):
                time.sleep(2)
                measured.logs = 0
                before = {name: cpu(name, pid) for name, pid in processes.items()}
                time.sleep(SECONDS)
                measured.used = {name: (cpu(name, pid) - before[name]) / SECONDS for name, pid in processes.items()}
        frames.seek(0)
        for event in received(frames):
            (measured.early if event.status == "preconfirmed" else measured.confirmed).setdefault(event.key, event.at)
    return measured


def cpu(name: str, pid: int) -> float:
    """The processor time of a process; of the database with all its processes."""
    return processor_seconds(pid, with_children=name == "database")


def print_ages(what: str, since: Times, came: Times) -> None:
    """Print the milliseconds between the events of `since` and those of `came`."""
    ages = sorted(
        (at - since[key.partition(":")[0]]) * 1000 for key, at in came.items() if key.partition(":")[0] in since
    )
    if ages:
        print(f"{what}: {len(ages)} events  {shown(ages)}")


def print_costs(measured: Measured) -> None:
    """Print the events a second, and the share of a core that each process has used."""
    used = ", ".join(f"{name} {share:.1%}" for name, share in measured.used.items())
    print(f"{measured.logs / SECONDS:.1f} events a second; of a core: {used}")


def main() -> None:
    """Play the game twice, with and without reading ahead, and print latencies and costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", choices=GAMES, default="demo")
    parser.add_argument("--events", type=float, default=20.0, help="events a second, about")
    arguments = parser.parse_args()
    set_up()
    game = GAMES[arguments.game]
    blocks_per_second = arguments.events / game.logs
    ahead = measure("on", game, game.begins, blocks_per_second)
    print_ages("mini-block to preconfirmed frame", ahead.announced, ahead.early)
    print_ages("sealed block to confirmed frame", ahead.sealed, ahead.confirmed)
    known = [key for key in ahead.confirmed if key in ahead.early]
    print(
        f"{len(ahead.early)} preconfirmed, {len(ahead.confirmed)} confirmed, {len(known)} of these preconfirmed before"
    )
    print_costs(ahead)
    print("without reading ahead:")
    plain = measure("off", game, game.begins + int(PLAYED * blocks_per_second), blocks_per_second)
    print_ages("sealed block to confirmed frame", plain.sealed, plain.confirmed)
    print_costs(plain)


if __name__ == "__main__":
    main()
