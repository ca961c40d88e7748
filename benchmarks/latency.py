"""Measure the latency from a block at the node to a WebSocket client, by stage.

`DATABASE_URL=… python -m benchmarks.latency` on an empty, migrated database. Node, indexer, web server and client are
processes of one machine and read the same clock. With IGGY_URL set a relay runs too, and events go through Iggy.
"""

import tempfile
import time
from collections.abc import Iterable

from benchmarks.clock import shown
from benchmarks.listener import received
from benchmarks.live_chain import GAMES, environment_of, listener, live_node, running, web_server
from benchmarks.marks import STAGES
from benchmarks.setup import set_up
from indexer.replay.server import ReplayServer

Times = dict[int, float]
"""Seconds of the monotonic clock by block."""
PORT = 8198


def advance(node: ReplayServer, blocks: int, rate: float) -> Times:
    """Advance the node by `rate` blocks a second; return when each block was there."""
    advanced: Times = {}
    move = node.chain.advance

    def noting() -> bool:
        advanced[node.chain.head + 1] = time.monotonic()
        return move()

    node.chain.advance = noting  # type: ignore[method-assign]
    for _ in range(blocks):
        started = time.monotonic()
        node.advance()
        time.sleep(max(0, started + 1 / rate - time.monotonic()))
    return advanced


def first_received(lines: Iterable[str]) -> Times:
    """When the first event of each block came, from what a listener has printed."""
    found: Times = {}
    for event in received(lines):
        if event.status == "confirmed":
            found.setdefault(event.block, event.at)
    return found


def marks_of(lines: Iterable[str]) -> dict[str, Times]:
    """When each block first passed each stage, from the lines that `benchmarks.marks` prints."""
    found: dict[str, Times] = {stage: {} for stage in STAGES}
    for line in lines:
        stage, block, seconds = line.split()
        found[stage].setdefault(int(block), float(seconds))
    return found


def print_ages(stage: str, advanced: Times, passed: Times) -> None:
    """Print the milliseconds between a block at the node and its passing of a stage: median, p90, p99 and slowest."""
    ages = sorted((passed[number] - start) * 1000 for number, start in advanced.items() if number in passed)
    if ages:
        print(f"{stage:9}  {len(ages)} blocks  {shown(ages)}")


def main() -> None:
    """Start all processes, advance the node, and print the latencies by stage."""
    set_up()
    game = GAMES["demo"]
    with (
        live_node(game, game.begins) as node,
        tempfile.TemporaryFile("w+") as marks,
        tempfile.TemporaryFile("w+") as frames,
    ):
        environment = environment_of(node, game)
        indexer = ["-m", "benchmarks.marks", "index_chain", "--relay"]
        with running(environment, indexer, web_server(PORT), output=marks):
            time.sleep(15)
            with running(environment, listener(PORT), output=frames):
                time.sleep(2)
                advanced = advance(node, 400, 20)
                time.sleep(2)
        marks.seek(0)
        frames.seek(0)
        for stage, passed in {**marks_of(marks), "received": first_received(frames)}.items():
            print_ages(stage, advanced, passed)


if __name__ == "__main__":
    main()
