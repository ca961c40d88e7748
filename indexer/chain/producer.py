"""Fetch ahead: several ranges in flight, handed over in order, each with the contracts' state after it."""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from indexer.base.errors import GhostnetError
from indexer.base.retry import Backoff
from indexer.chain.blocks import FetchedRange
from indexer.chain.client import Meter, NodeClient
from indexer.chain.closed_ranges import LAGGING_BLOCKS, ClosedRangeFetcher
from indexer.chain.errors import Inconsistent, RangeTooLarge, RpcError, TooLarge
from indexer.chain.heads import HeadWatcher
from indexer.chain.queue import RangeQueue
from indexer.chain.ranges import AdaptiveRange
from indexer.domain.units import Hash

logger = logging.getLogger(__name__)

TIP_CHECK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
MAX_PAUSE_SECONDS: Final = 2.0
REMEMBERED: Final = 512
"""Newest blocks that were handed over whose hashes are kept, to notice that the node has others there now."""
RANGES_AHEAD: Final = 4
"""Ranges in flight or waiting for the reader: a slow node answers several requests at a time; more would not help
a busy reader, which shares the interpreter with the thread that fetches."""
MAX_INCONSISTENT_TRIES: Final = 20
"""Attempts, over more than a minute, to fetch one block with consistent answers."""


@dataclass(slots=True)
class _Flight:
    """A range that is being fetched, `full` with all transactions."""

    first: int
    last: int
    full: bool
    task: asyncio.Task[FetchedRange]
    meter: Meter
    started: float = field(default_factory=time.monotonic)


class Producer:
    """Fetches ranges into a queue, for a reader on another thread; belongs to one event loop.

    `batch_size` in blocks, None for one that adapts to the node's answers.
    """

    def __init__(
        self,
        client: NodeClient,
        heads: HeadWatcher,
        fetcher: ClosedRangeFetcher,
        queue: RangeQueue,
        batch_size: int | None,
    ) -> None:
        self._client = client
        self._heads = heads
        self._queue = queue
        self._fetcher = fetcher
        self._by_logs = AdaptiveRange(limit=batch_size)
        self._hashes: dict[int, Hash] = {}
        self._tip_checked_at = 0.0
        self._pauses = Backoff(RETRY_SECONDS, MAX_PAUSE_SECONDS)
        self._narrow: int | None = None
        """Upper bound of the next range in blocks, after inconsistent answers for a larger one: the node may lack the
        last ones, though they are not above its head."""
        self._misfits = 0
        """Inconsistent answers in a row for a single block, which is then fetched by its hash."""

    def reset(self, first: int, parent_hash: Hash | None, *, is_deployed: bool) -> None:
        """Drop what was fetched from block `first` on; the reader has the block before it, with this hash.
        `is_deployed`: GhostCore is known to exist by then."""
        self._queue.clear()
        self._hashes = {number: known for number, known in self._hashes.items() if number < first}
        if parent_hash is not None:
            self._hashes[first - 1] = parent_hash
        self._fetcher.reset(first, is_deployed=is_deployed)

    async def run(self, first: int, last: int | None) -> None:
        """Fetch from block `first` to `last`, or for ever; what ends it is raised by the queue."""
        try:
            await self._produce(first, last)
        except Exception as error:
            if not isinstance(error, GhostnetError):
                logger.exception("fetching ended unexpectedly")
            self._queue.fail(error)

    async def _produce(self, first: int, last: int | None) -> None:
        flights: deque[_Flight] = deque()
        next_block = first
        await self._fetcher.probe(first, self._heads.head or 0)
        proofs = self._client.proofs
        try:
            while True:
                if proofs != self._client.proofs:
                    proofs = self._client.proofs
                    self._fetcher.availability.reset_after_node_change()
                head = self._heads.head or 0
                end = head if last is None else min(head, last)
                while len(flights) + self._queue.ranges < RANGES_AHEAD and next_block <= end:
                    flights.append(self._begin_fetch(next_block, end, head))
                    next_block = flights[-1].last + 1
                if next_block <= end and not await self._is_fetched_before_room(flights):
                    continue
                if flights:
                    flight = flights.popleft()
                    fetched = await self._finish_fetch(flight)
                    if fetched is None:
                        next_block = flight.first
                        await _cancel_all(flights)
                    else:
                        await self._hand_over(fetched)
                elif not await self._bring_replaced_tip(next_block - 1, head):
                    await self._heads.wait(TIP_CHECK_SECONDS)
        finally:
            await _cancel_all(flights)

    async def _is_fetched_before_room(self, flights: deque[_Flight]) -> bool:
        """Wait until the oldest range in flight is fetched, or the reader has taken one; whether it was the former."""
        self._queue.space.clear()
        oldest = [flight.task for flight in flights][:1]
        room = asyncio.create_task(self._queue.space.wait())
        try:
            await asyncio.wait([room, *oldest], return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.cancel()
        return any(task.done() for task in oldest)

    def _begin_fetch(self, first: int, end: int, head: int) -> _Flight:
        """Begin to fetch the next range: of blocks that no machine of the node lacks, or of those near the head."""
        last_by_range = head - LAGGING_BLOCKS
        full = self._fetcher.availability.needs_full_blocks(first, head)
        size = self._fetcher.portions.size if full else self._by_logs.size
        size = min(size, self._narrow or size)
        last = min(first + size - 1, end if full or first > last_by_range else min(end, last_by_range))
        last = self._fetcher.availability.bounded(first, last, head)
        meter = Meter()
        task = asyncio.create_task(self._fetcher.fetch(first, last, head, meter, full=full))
        return _Flight(first, last, full, task, meter)

    async def _finish_fetch(self, flight: _Flight) -> FetchedRange | None:
        """A flight's range; None if it must be fetched again, perhaps smaller.

        Raises RangeTooLarge or TooLarge if even one block is too much for the node, and Inconsistent if the answers for
        a single block repeatedly are.
        """
        size, blocks = self._fetcher.portions if flight.full else self._by_logs, flight.last - flight.first + 1
        try:
            fetched = await flight.task
        except (RangeTooLarge, TooLarge):
            if flight.first == flight.last:
                raise
            size.record_refusal(blocks)
            return None
        except Inconsistent as error:
            logger.warning("blocks %d to %d: %s", flight.first, flight.last, error.message)
            self._heads.forget_pushed()
            self._narrow = max(1, blocks // 2)
            self._misfits += blocks == 1
            self._fetcher.avoids_ranges = self._misfits > 0
            if self._misfits == MAX_INCONSISTENT_TRIES:
                raise
            await asyncio.sleep(self._pauses.pause())
            with suppress(Inconsistent, RpcError):
                await self._heads.refresh()
            return None
        self._pauses.reset()
        self._narrow, self._misfits = None, 0
        self._fetcher.avoids_ranges = False
        size.record_success(blocks, fetched.log_count, flight.meter.bytes, time.monotonic() - flight.started)
        return fetched

    async def _hand_over(self, fetched: FetchedRange) -> None:
        last = fetched.last
        self._heads.end_block(last.number)
        await self._queue.put(fetched)
        for header in list(fetched.headers.values())[-REMEMBERED:]:
            self._hashes[header.number] = header.hash
        for number in [number for number in self._hashes if number <= last.number - REMEMBERED]:
            del self._hashes[number]
        self._tip_checked_at = time.monotonic()

    async def _bring_replaced_tip(self, tip: int, head: int) -> bool:
        """If the node now has another block at the highest height that both have, queue that one; return whether."""
        number = min(tip, head)
        if number not in self._hashes or time.monotonic() - self._tip_checked_at < TIP_CHECK_SECONDS:
            return False
        self._tip_checked_at = time.monotonic()
        try:
            is_pushed = self._heads.is_subscription_reliable and not self._heads.is_comparison_due
            header = self._heads.pushed_header(number) if is_pushed else None
            if header is None:
                (header,) = await self._fetcher.ranges.headers([number])
            if header is None or header.hash == self._hashes[number]:
                return False
            fetched = await self._fetcher.ranges.by_hash([header])
        except Inconsistent as error:
            logger.warning("block %d: %s", number, error.message)
            return False
        await self._hand_over(fetched)
        return True


async def _cancel_all(flights: deque[_Flight]) -> None:
    while flights:
        task = flights.popleft().task
        task.cancel()
        await asyncio.wait([task])
