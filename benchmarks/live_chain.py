"""The chain of the latency benchmarks: a recorded game on a node with the contracts' state, as MegaETH has it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from indexer.replay.recording import load_recording
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.state import RecordedState

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"


class Game(NamedTuple):
    """A recorded game: from block `begins` on most blocks have logs, on average `logs` each."""

    name: str
    begins: int
    logs: float


GAMES: Final = {game.name: game for game in (Game("demo", 1_200, 3.0), Game("season", 84, 10.5))}


def live_node(game: Game, head: int, **options: Any) -> ReplayServer:
    """A node whose head is at a block, for a `with` statement; `options` are those of `ReplayOptions`. It has the
    contracts' state if that was recorded."""
    recorded = FIXTURES / f"{game.name}_state.json.gz"
    state = RecordedState.load(recorded) if recorded.exists() else None
    recording = load_recording(FIXTURES / f"{game.name}.jsonl.gz")
    return ReplayServer(recording, ReplayOptions(head=head, **options), state=state)


def environment_of(node: ReplayServer, game: Game) -> dict[str, str]:
    """The environment of processes that read this node."""
    return {
        **os.environ,
        "GHOSTNET_DEPLOYMENT": str(FIXTURES / "deployments" / f"{game.name}.json"),
        "GHOSTNET_RPC_URLS": node.url,
        "GHOSTNET_RPC_WS_URL": node.ws_url,
    }


def web_server(port: int) -> list[str]:
    """The arguments of the interpreter that start the web server."""
    return ["-m", "daphne", "--verbosity", "0", "-p", str(port), "ghostnet.asgi:application"]


def listener(port: int) -> list[str]:
    """The arguments of the interpreter that start a client of the web server at this port."""
    return ["-m", "benchmarks.listener", f"ws://127.0.0.1:{port}/ws"]


@contextmanager
def running(
    environment: Mapping[str, str], *programs: Sequence[str], output: IO[str] | None = None
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run interpreters with these arguments until the `with` block ends; the first one writes to `output`."""
    started = [
        subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=None if place else output, stderr=subprocess.DEVNULL
        )
        for place, arguments in enumerate(programs)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
            process.wait()
