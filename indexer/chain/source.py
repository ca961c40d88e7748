"""Fetched ranges in order, for a loop that is not asynchronous: fetching runs ahead on a thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent import futures
from typing import Any, Final, TypeVar

from indexer.base.stopping import Interrupted
from indexer.chain.block_reference import BlockReference
from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.closed_ranges import ClosedRangeFetcher
from indexer.chain.deployment import check_deployment
from indexer.chain.errors import Inconsistent, RateLimited
from indexer.chain.heads import HeadWatcher
from indexer.chain.options import SourceOptions
from indexer.chain.preconfirmed import PreconfirmedLogs, PreconfirmedTransaction
from indexer.chain.producer import Producer
from indexer.chain.proof import Proof
from indexer.chain.queue import RangeQueue
from indexer.chain.single_node import PATIENCE_SECONDS, fetch_alone
from indexer.chain.state import StateUnavailable
from indexer.domain.chain import Header, Transaction
from indexer.domain.state import ContractState
from indexer.domain.units import Address, Hash

logger = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS: Final = 0.25
INTERRUPT_SECONDS: Final = 0.1


class BlockSource:
    """Returns ranges of blocks, in order of height, from `start` on; after `restart` from there.

    At the head it also checks, once a second at most, whether the node still has the last block returned. If another
    one stands at its height now, that one is returned, which makes the reorg visible though the chain did not grow.
    All methods may be called from one thread only, `open` first, and block: as long as the node does not answer, or
    until the event given as `stop` is set, which raises Interrupted.
    """

    def __init__(self, options: SourceOptions, stop: threading.Event | None = None) -> None:
        self._options = options
        self._stopping = stop or threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="source", daemon=True)
        self._producing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._queue = RangeQueue(options.max_queued_bytes)
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

    def start(
        self, first: int, last: int | None, parent_hash: Hash | None = None, *, is_deployed: bool = False
    ) -> None:
        """Begin to fetch at block `first`, up to `last` or for ever; the reader has the block with `parent_hash`.
        `is_deployed`: GhostCore is known to exist after that one."""
        self._last = last
        self.restart(first, parent_hash, is_deployed=is_deployed)

    def restart(self, first: int, parent_hash: Hash | None = None, *, is_deployed: bool = False) -> None:
        """Drop what was fetched ahead and go on at block `first`, after the block with `parent_hash`; `is_deployed`
        as in `start`."""
        self._wait(self._restart(first, parent_hash, is_deployed))

    def next(self, timeout: float) -> FetchedRange | None:
        """The next range, or None if there is none within `timeout` seconds, or something `preconfirmed` comes before.
        Raises what ended the fetching."""
        fetched = self._queue.take(timeout)
        if fetched is not None:
            self._loop.call_soon_threadsafe(self._queue.space.set)
        return fetched

    def preconfirmed(self) -> list[PreconfirmedTransaction]:
        """The transactions in no block yet that the node has sent since the last call; does not wait."""
        return self._queue.take_preconfirmed()

    def fetch_closed(self, first: int, last: int) -> FetchedRange:
        """A range of blocks near the head at once, with the contracts' state after it where the node has it.

        Raises Inconsistent or another NodeError.
        """
        return self._wait(self._fetcher.fetch_closed(first, last))

    def fetch_full(self, first: int, last: int, parties: AbstractSet[Address]) -> FetchedRange:
        """A range of blocks at once: what their transactions prove, and those that hint at more, as those do that have
        one of the `parties`. Raises Inconsistent or another NodeError.
        """
        return self._wait(self._fetcher.fetch_in_full(first, last, parties))

    def expect(self, blocks: Mapping[int, Hash], *, anew: bool = False) -> None:
        """Let each node show, before it is used, that it has these blocks (hashes by number), if it has any at these
        heights; `anew`: those in use too, before anything else is asked."""
        self._opened.expect(Proof(self._options.chain_id, blocks), anew=anew)

    @property
    def disproven(self) -> list[str]:
        """The nodes that are not used since they serve something else than what is indexed, with the reasons."""
        return self._client.disproven if self._client is not None else []

    @property
    def nodes(self) -> Sequence[str]:
        """The addresses of the nodes."""
        return self._options.rpc_urls

    def fetch_alone(self, node: str, first: int, last: int) -> FetchedRange | None:
        """Blocks first to last as the node at this address alone serves them, None if it does not."""
        alone = self._opened.each(PATIENCE_SECONDS)[node]
        return self._wait(fetch_alone(alone, self._options.contracts, first, last))

    def prefer(self, node: str) -> None:
        """Ask the node at this address before the others from now on."""
        self._opened.prefer(node)

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """The node's headers at these heights, None where it has no block."""
        return self._wait(self._headers(numbers))

    def state(self, block: BlockReference) -> ContractState | None:
        """The contracts' state after a block, None if the node does not have it. Raises Inconsistent if the node gives
        another block's repeatedly."""
        return self._wait(_or_none(self._fetcher.states.state(block)))

    def has_begun(self, block: BlockReference) -> bool | None:
        """Whether GhostCore is initialized after a block, or any DATA is minted; None if the node does not have its
        state. Raises as `state`."""
        return self._wait(_or_none(self._fetcher.states.has_begun(block)))

    def stakes(self, users: Sequence[Address], block: BlockReference) -> list[int] | None:
        """Raw stakes of users after a block in wei, None if the node does not have its state. Raises as `state`."""
        return self._wait(_or_none(self._fetcher.states.stakes(users, block)))

    def alive(self, users: Sequence[Address], block: BlockReference) -> list[bool] | None:
        """Whether users are alive after a block, None if the node does not have its state. Raises as `state`."""
        return self._wait(_or_none(self._fetcher.states.alive(users, block)))

    def successes(self, block: Hash | int) -> list[Transaction] | None:
        """A block's transactions that did not fail, without their calldata; None where the node has no receipts of a
        block. Raises Inconsistent or another NodeError."""
        return self._wait(self._fetcher.full.successes(block))

    def calldata(self, hashes: Sequence[Hash]) -> dict[Hash, Transaction]:
        """Transactions by their hashes, calldata included. Raises Inconsistent or another NodeError."""
        return self._wait(self._fetcher.full.calldata(hashes))

    def transactions(self, block: Hash | int) -> tuple[Header, list[Transaction]]:
        """A block's header and all its transactions. Raises Inconsistent or another NodeError."""
        return self._wait(self._fetcher.full.transactions(block))

    def succeeded(self, transactions: Sequence[Transaction]) -> set[Hash]:
        """The hashes of those transactions that did not fail. Raises Inconsistent or another NodeError."""
        return self._wait(self._fetcher.full.succeeded(transactions))

    def call(self, method: str, params: list[Any]) -> Any:
        """Any other call. Raises NodeError."""
        return self._wait(self._opened.call(method, params, Any))

    @property
    def _opened(self) -> NodeClient:
        assert self._client is not None, "open comes first"
        return self._client

    def pause(self, seconds: float) -> None:
        """Wait."""
        if self._stopping.wait(seconds):
            raise Interrupted

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
            if self._stopping.is_set():
                future.cancel()
                raise Interrupted
        return future.result()

    async def _open(self, patience: float | None) -> None:
        options = self._options
        proof = Proof(options.chain_id)
        async with NodeClient(options.rpc_urls, patience, proof) as client:
            try:
                await check_deployment(client, options.contracts)
            except RateLimited as error:
                logger.warning("the addresses of the contracts could not be checked: %s", error.message)
        self._client = await NodeClient(options.rpc_urls, proof=proof).__aenter__()
        preconfirmed = PreconfirmedLogs(
            self._client, options.contracts, options.preconfirmed_mode, self._queue.put_preconfirmed
        )
        self._heads = HeadWatcher(self._client, options.ws_url, options.poll_interval, options.chain_id, preconfirmed)
        self._fetcher = ClosedRangeFetcher(self._client, self._heads, options)
        self._producer = Producer(self._client, self._heads, self._fetcher, self._queue, options.batch_size)
        await self._heads.refresh()
        self._watching = asyncio.create_task(self._heads.run())

    async def _restart(self, first: int, parent_hash: Hash | None, is_deployed: bool) -> None:
        await _cancel(self._producing)
        self._producer.reset(first, parent_hash, is_deployed=is_deployed)
        self._producing = asyncio.create_task(self._producer.run(first, self._last))

    async def _headers(self, numbers: Sequence[int]) -> list[Header | None]:
        while True:
            try:
                return await self._fetcher.ranges.headers(numbers)
            except Inconsistent as error:
                logger.warning("headers: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _close(self) -> None:
        await _cancel(self._producing)
        await _cancel(self._watching)
        if self._client is not None:
            await self._client.__aexit__()


async def _or_none(work: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await work
    except StateUnavailable as unavailable:
        logger.debug("%s", unavailable.message)
        return None


async def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
