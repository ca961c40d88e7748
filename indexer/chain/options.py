"""What an operator chooses about the node: addresses, limits, and how blocks are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.chain.preconfirmed import PreconfirmedMode
from indexer.chain.state_availability import FullBlocks


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Where blocks come from.

    `reorg_depth` and `batch_size` (None: adaptive) in blocks; `max_queued_bytes`: bytes fetched ahead, at most;
    intervals in seconds; at the head the state of each `state_every`-th block is read.
    """

    rpc_urls: Sequence[str]
    ws_url: str | None
    chain_id: int
    contracts: Mapping[str, str]
    reorg_depth: int = 64
    batch_size: int | None = None
    max_queued_bytes: int = 64_000_000
    poll_interval: float = 0.25
    full_blocks: FullBlocks = FullBlocks.AUTO
    state_every: int = 1
    preconfirmed_mode: PreconfirmedMode = PreconfirmedMode.OFF
