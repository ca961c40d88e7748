"""Index what a node serves, in this process."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from indexer.chain.options import SourceOptions
from indexer.domain.units import Address
from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback
from indexer.sync.background import BackgroundJob
from indexer.sync.observer import Applied, Observer
from indexer.sync.pipeline import Chain
from indexer.sync.requests import RequestRunner
from indexer.sync.worker import Worker


class Node(Protocol):
    """A node by its addresses."""

    @property
    def url(self) -> str: ...
    @property
    def ws_url(self) -> str: ...
    @property
    def chain_id(self) -> int: ...


class Watcher(Observer):
    """Records the indexer's reports; may stop it after a number of blocks, and calls `on_rollback` at each rollback."""

    def __init__(
        self, stop: threading.Event, stop_after: int | None = None, on_rollback: Callable[[], None] | None = None
    ) -> None:
        self.rollbacks: list[Rollback] = []
        self.batches: list[int] = []
        self.alarms: list[tuple[AlarmKind, str | None]] = []
        self._stop = stop
        self._stop_after = stop_after
        self._on_rollback = on_rollback

    def applied(self, applied: Applied) -> None:
        self.batches.append(applied.blocks)
        if self._stop_after is not None and applied.block >= self._stop_after:
            self._stop.set()

    def rolled_back(self, rollback: Rollback) -> None:
        self.rollbacks.append(rollback)
        if self._on_rollback is not None:
            self._on_rollback()

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        self.alarms.append((kind, message))


def index(
    node: Node,
    contracts: Mapping[str, str],
    *,
    to_block: int | None = None,
    batch_size: int | None = None,
    stop_after: int | None = None,
    stop: threading.Event | None = None,
    ws: bool = False,
    start_block: int = 0,
    headers_kept: int = 10_000,
    unsettled: int = 64,
    until_head: bool | None = None,
    on_rollback: Callable[[], None] | None = None,
    poll_interval: float = 0.1,
    jobs: Sequence[BackgroundJob] = (),
    others: Sequence[Node] = (),
    **source_options: Any,
) -> Watcher:
    """Index into the default database: up to `to_block`, or up to the head, or (`until_head` False) until stopped.

    `others` are the nodes to turn to when `node` fails.
    """
    options = SourceOptions(
        [node.url, *(other.url for other in others)],
        node.ws_url if ws else None,
        node.chain_id,
        contracts,
        batch_size=batch_size,
        poll_interval=poll_interval,
        reorg_depth=unsettled,
        **source_options,
    )
    addresses = {name: Address(address) for name, address in contracts.items()}
    chain = Chain(node.chain_id, start_block, addresses, headers_kept, reorg_depth=unsettled)
    stop = stop or threading.Event()
    watcher = Watcher(stop, stop_after, on_rollback)
    Worker(chain, options, watcher, RequestRunner([node.url], 100), jobs).run(
        to_block, to_block is None if until_head is None else until_head, stop
    )
    return watcher


@contextmanager
def following(node: Node, contracts: Mapping[str, str], **options: Any) -> Iterator[list[Watcher]]:
    """The indexer at work on a thread until the block ends; its watcher stands in the list afterwards."""
    stop, watchers = threading.Event(), list[Watcher]()

    def work() -> None:
        watchers.append(index(node, contracts, stop=stop, until_head=False, **options))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield watchers
    finally:
        stop.set()
        thread.join()
