"""The chain that benchmarks of latency play: a recorded game on a node with the contracts' state, as MegaETH has it."""

import os
from pathlib import Path
from typing import Any, Final

from indexer.replay.recording import load_recording
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.state import RecordedState

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
PLAY_BEGINS: Final = 1_200
"""A block from which on something happens in most blocks."""


def live_node(head: int, **options: Any) -> ReplayServer:
    """A node whose head is at a block, for a `with` statement; `options` are those of `ReplayOptions`."""
    state = RecordedState.load(FIXTURES / "demo_state.json.gz")
    return ReplayServer(load_recording(FIXTURES / "demo.jsonl.gz"), ReplayOptions(head=head, **options), state=state)


def environment_of(node: ReplayServer) -> dict[str, str]:
    """The environment of processes that read this node."""
    return {
        **os.environ,
        "GHOSTNET_DEPLOYMENT": str(FIXTURES / "deployments" / "demo.json"),
        "GHOSTNET_RPC_URLS": node.url,
        "GHOSTNET_RPC_WS_URL": node.ws_url,
    }
