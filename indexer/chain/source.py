"""Fetched blocks in order, for a loop that is not asynchronous: fetching runs ahead on a thread of its own."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from indexer.base.errors import GhostnetError
from indexer.base.stopping import Interrupted
from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.deployment import check_deployment
from indexer.chain.errors import Inconsistent, RangeTooLarge
from indexer.chain.fetcher import BlockFetcher
from indexer.chain.heads import HeadWatcher
from indexer.chain.ranges import AdaptiveRange
from indexer.domain.chain import Header
from indexer.domain.finality import is_finalized

logger = logging.getLogger(__name__)

T = TypeVar("T")

TIP_CHECK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
INTERRUPT_SECONDS: Final = 0.1
REMEMBERED: Final = 512
RANGES_IN_FLIGHT: Final = 3


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Where blocks come from. `batch_size`: most blocks a range (None: adaptive); `unsettled`: how many blocks below
    the head are fetched by hash; `most_queued`: logs fetched ahead, at most; intervals in seconds."""

    rpc_urls: Sequence[str]
    ws_url: str | None
    chain_id: int
    contracts: Mapping[str, str]
    unsettled: int = 64
    batch_size: int | None = None
    most_queued: int = 40_000
    poll_interval: float = 0.25


class BlockSource:
    """Brings each block once, in order of height, from `start` on; after `restart` from there.

    At the head it also looks, every second at most, whether the node still has the last blocks brought. If one of
    them has another hash now, that height is brought again, so that the reader sees the reorg though the chain did
    not grow. All methods may be called from one thread only, and block: as long as the node does not answer, or until
    the event given as `stop` is set, which raises Interrupted.
    """

    def __init__(self, options: SourceOptions, stop: threading.Event | None = None) -> None:
        self._options = options
        self._told_to_stop = stop or threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="source", daemon=True)
        self._ranges: deque[FetchedRange] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._space = asyncio.Event()
        self._error: BaseException | None = None
        self._hashes: dict[int, str] = {}
        self._tip_checked_at = 0.0
        self._producer: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._last: int | None = None
        self._client: NodeClient | None = None

    @property
    def head(self) -> int | None:
        """The latest known height of the node's head."""
        return self._heads.head

    @property
    def is_open(self) -> bool:
        """Whether `open` has found the node."""
        return self._client is not None

    def open(self, patience: float | None = None) -> None:
        """Connect, and check that the node serves the deployment; may be tried again after NodeUnreachable.

        Raises NodeUnreachable if the node does not answer for `patience` seconds (None: it is waited for), WrongChain
        or NoContractCode.
        """
        if not self._thread.is_alive():
            self._thread.start()
        self._wait(self._open(patience))

    def start(self, first: int, last: int | None, parent_hash: str | None = None) -> None:
        """Begin to fetch at block `first`, up to `last` or for ever; the reader has the block with `parent_hash`."""
        self._last = last
        self.restart(first, parent_hash)

    def restart(self, first: int, parent_hash: str | None = None) -> None:
        """Forget what was fetched ahead and go on at block `first`, after the block with `parent_hash`."""
        self._wait(self._restart(first, parent_hash))

    def next(self, timeout: float) -> FetchedRange | None:
        """The next range, or None if there is none within `timeout` seconds. Raises what ended the fetching."""
        with self._changed:
            self._changed.wait_for(lambda: self._ranges or self._error, timeout)
            if not self._ranges and self._error is not None:
                raise self._error
            if not self._ranges:
                return None
            fetched = self._ranges.popleft()
            self._queued -= fetched.log_count
        self._loop.call_soon_threadsafe(self._space.set)
        return fetched

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """The node's headers at these heights, None where it has no block."""
        return self._wait(self._fetch_headers(numbers))

    def call(self, method: str, params: list[Any]) -> Any:
        """Any other call. Raises NodeError."""
        assert self._client is not None
        return self._wait(self._client.call(method, params, Any))

    def stop(self) -> None:
        """End everything at once."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while not futures.wait([future], INTERRUPT_SECONDS).done:
            if self._told_to_stop.is_set():
                future.cancel()
                raise Interrupted
        return future.result()

    async def _open(self, patience: float | None) -> None:
        options = self._options
        async with NodeClient(options.rpc_urls, patience) as client:
            await check_deployment(client, options.chain_id, options.contracts)
        self._client = await NodeClient(options.rpc_urls).__aenter__()
        self._fetcher = BlockFetcher(self._client, options.contracts)
        self._heads = HeadWatcher(self._client, options.ws_url, options.poll_interval)
        await self._heads.refresh()
        self._watching = asyncio.create_task(self._heads.run())

    async def _restart(self, first: int, parent_hash: str | None) -> None:
        await _cancel(self._producer)
        with self._changed:
            self._ranges.clear()
            self._queued = 0
            self._error = None
        self._hashes = {number: known for number, known in self._hashes.items() if number < first}
        if parent_hash is not None:
            self._hashes[first - 1] = parent_hash
        self._producer = asyncio.create_task(self._produce_guarded(first))

    async def _fetch_headers(self, numbers: Sequence[int]) -> list[Header | None]:
        while True:
            try:
                return await self._fetcher.fetch_headers(numbers)
            except Inconsistent as error:
                logger.warning("headers: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _close(self) -> None:
        await _cancel(self._producer)
        await _cancel(self._watching)
        if self._client is not None:
            await self._client.__aexit__()

    async def _produce_guarded(self, first: int) -> None:
        try:
            await self._produce(first)
        except Exception as error:
            if not isinstance(error, GhostnetError):
                logger.exception("fetching ended unexpectedly")
            with self._changed:
                self._error = error
                self._changed.notify_all()

    async def _produce(self, first: int) -> None:
        """Keep some ranges in flight; hand them over in order."""
        size = AdaptiveRange(most=self._options.batch_size)
        flights: deque[tuple[int, int, asyncio.Task[FetchedRange]]] = deque()
        next_block = first
        try:
            while True:
                head = self.head or 0
                end = head if self._last is None else min(head, self._last)
                while len(flights) < RANGES_IN_FLIGHT and next_block <= end:
                    last = min(next_block + size.size - 1, end)
                    flights.append((next_block, last, self._fetch(next_block, last, head)))
                    next_block = last + 1
                if flights:
                    low, high, flight = flights.popleft()
                    fetched = await self._land(flight, low, high, size)
                    if fetched is None:
                        next_block = low
                        await _cancel_all(flights)
                    else:
                        await self._hand_over(fetched)
                elif not await self._bring_replaced_tip(next_block - 1, head):
                    await self._heads.wait(TIP_CHECK_SECONDS)
        finally:
            await _cancel_all(flights)

    def _fetch(self, first: int, last: int, head: int) -> asyncio.Task[FetchedRange]:
        by_hash = not is_finalized(last, head, self._options.unsettled)
        return asyncio.create_task(self._fetcher.fetch(first, last, by_hash=by_hash))

    async def _land(
        self, flight: asyncio.Task[FetchedRange], low: int, high: int, size: AdaptiveRange
    ) -> FetchedRange | None:
        """A range's result; None if it must be asked for again, perhaps smaller.

        Raises RangeTooLarge if even one block is too much for the node.
        """
        try:
            fetched = await flight
        except RangeTooLarge:
            if low == high:
                raise
            size.refused(high - low + 1)
            return None
        except Inconsistent as error:
            logger.warning("blocks %d to %d: %s", low, high, error.message)
            await asyncio.sleep(RETRY_SECONDS)
            await self._heads.refresh()
            return None
        size.succeeded(high - low + 1, fetched.log_count)
        return fetched

    async def _hand_over(self, fetched: FetchedRange) -> None:
        """Queue a range as soon as there is room."""
        while self._queued and self._queued + fetched.log_count > self._options.most_queued:
            self._space.clear()
            await self._space.wait()
        for block in fetched.blocks[-REMEMBERED:]:
            self._hashes[block.header.number] = block.header.hash
        for number in [number for number in self._hashes if number <= fetched.last.number - REMEMBERED]:
            del self._hashes[number]
        with self._changed:
            self._ranges.append(fetched)
            self._queued += fetched.log_count
            self._changed.notify_all()

    async def _bring_replaced_tip(self, tip: int, head: int) -> bool:
        """If the node has another block now at the highest height that both know, bring that one; return whether."""
        number = min(tip, head)
        if number not in self._hashes or time.monotonic() - self._tip_checked_at < TIP_CHECK_SECONDS:
            return False
        self._tip_checked_at = time.monotonic()
        try:
            (header,) = await self._fetcher.fetch_headers([number])
            if header is None or header.hash == self._hashes[number]:
                return False
            fetched = await self._fetcher.fetch(number, number, by_hash=True)
        except Inconsistent as error:
            logger.warning("block %d: %s", number, error.message)
            return False
        await self._hand_over(fetched)
        return True


async def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


async def _cancel_all(flights: deque[tuple[int, int, asyncio.Task[FetchedRange]]]) -> None:
    while flights:
        await _cancel(flights.popleft()[2])
