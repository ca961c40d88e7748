"""A chain whose events contradict each other, and commands that index it."""

import json
from pathlib import Path
from subprocess import CompletedProcess

from indexer.domain.events import Extracted, RoundCreated
from indexer.domain.units import DATA
from tests.chains import ADDRESSES, ChainBuilder, user
from tests.processes import run_command


def chain_with_a_contradiction() -> ChainBuilder:
    """Block 6 pays rewards that nobody earned, in the second of two events of its first transaction."""
    chain = ChainBuilder()
    chain.deploy()
    for number in range(1, 5):
        chain.jack_in(user(number), 100 * DATA, 1)
    chain.events(
        ("DeadPool", RoundCreated(1, 0, 1, 3, chain.now + 100)), ("GhostCore", Extracted(user(2), 100 * DATA, 7))
    )
    chain.jack_in(user(9), 100 * DATA, 2)
    return chain


def command(database: str, url: str, folder: Path, *arguments: str) -> CompletedProcess[str]:
    """Run `manage.py` with these arguments on the deployment of `ADDRESSES`, described in a file in `folder`."""
    deployment = folder / "deployment.json"
    deployment.write_text(json.dumps({"chain_id": 6343, "start_block": 0, "contracts": ADDRESSES}))
    return run_command(database, url, *arguments, GHOSTNET_DEPLOYMENT=str(deployment))
