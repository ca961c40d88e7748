"""Index what a replay node serves, in this process."""

import threading
from collections.abc import Mapping
from typing import Any

from indexer.chain.source import BlockSource, SourceOptions
from indexer.domain.units import Address
from indexer.pipeline import Chain, Pipeline
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.rollback import Rollback


class Watcher:
    """Remembers what the pipeline reported; may stop it after so many blocks."""

    def __init__(self, stop: threading.Event, stop_after: int | None = None) -> None:
        self.rollbacks: list[Rollback] = []
        self.batches: list[int] = []
        self._stop = stop
        self._stop_after = stop_after

    def applied(self, block: int, head: int | None, blocks: int, logs: int) -> None:
        self.batches.append(blocks)
        if self._stop_after is not None and block >= self._stop_after:
            self._stop.set()

    def rolled_back(self, rollback: Rollback) -> None:
        self.rollbacks.append(rollback)


def index(
    server: ReplayServer,
    contracts: Mapping[str, str],
    *,
    to_block: int | None = None,
    batch_size: int | None = None,
    stop_after: int | None = None,
    ws: bool = False,
    start_block: int = 0,
    **source_options: Any,
) -> Watcher:
    """Index into the default database: up to `to_block`, or up to the head."""
    options = SourceOptions(
        [server.url],
        server.ws_url if ws else None,
        server.options.chain_id,
        contracts,
        batch_size=batch_size,
        poll_interval=0.02,
        **source_options,
    )
    chain = Chain(
        server.options.chain_id,
        start_block,
        {name: Address(address) for name, address in contracts.items()},
        headers_kept=10_000,
        reorg_depth=options.unsettled,
    )
    stop = threading.Event()
    watcher = Watcher(stop, stop_after)
    source = BlockSource(options)
    source.open()
    with connect() as connection:
        Pipeline(chain, source, connection, watcher).run(to_block, to_block is None, stop)
    return watcher
