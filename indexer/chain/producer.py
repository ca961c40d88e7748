"""Fetch ahead: several ranges in flight, handed over in order, each with the contracts' state after it."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from indexer.base.errors import GhostnetError
from indexer.base.retry import Backoff
from indexer.chain.answers import Answers
from indexer.chain.blocks import FetchedRange, linked
from indexer.chain.client import Meter, NodeClient
from indexer.chain.errors import Inconsistent, RangeTooLarge, RpcError, TooLarge
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.full_blocks import FullBlockFetcher
from indexer.chain.heads import HeadWatcher
from indexer.chain.options import SourceOptions
from indexer.chain.queue import RangeQueue
from indexer.chain.ranges import AdaptiveRange
from indexer.chain.state import StateMissing, StateReader, StateUnavailable
from indexer.chain.state_availability import RECENT_BLOCKS, StateAvailability
from indexer.domain.chain import Header
from indexer.domain.state import ContractState
from indexer.domain.units import MAX_BLOCK, Address, Hash

logger = logging.getLogger(__name__)

TIP_CHECK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
MAX_PAUSE_SECONDS: Final = 2.0
REMEMBERED: Final = 512
RANGES_AHEAD: Final = 3
"""Ranges in flight or waiting for the reader: a slow node answers several requests at a time; a busy reader needs no
more, and shares its processor with whoever fetches."""
LAGGING_BLOCKS: Final = 6
"""Distance to the head in blocks up to which logs are fetched by block hash: a machine may still lack these blocks."""
MAX_INCONSISTENT_TRIES: Final = 20
"""Attempts, over more than a minute, to fetch one block with consistent answers."""
FIRST_FULL_BLOCKS: Final = 25
MAX_FULL_BLOCKS: Final = 500


@dataclass(slots=True)
class _Flight:
    first: int
    last: int
    full: bool
    task: asyncio.Task[FetchedRange]
    meter: Meter
    started: float = field(default_factory=time.monotonic)


class Producer:
    """Fetches ranges into a queue, for a reader on another thread; belongs to one event loop."""

    def __init__(self, client: NodeClient, heads: HeadWatcher, queue: RangeQueue, options: SourceOptions) -> None:
        self.fetcher = RangeFetcher(client, options.contracts)
        self.full = FullBlockFetcher(client, self.fetcher, options.contracts)
        self.states = StateReader(client, options.contracts)
        self._client = client
        self._heads = heads
        self._queue = queue
        self._options = options
        self._availability = StateAvailability(options.full_blocks)
        self._by_logs = AdaptiveRange(limit=options.batch_size)
        self._by_blocks = AdaptiveRange(FIRST_FULL_BLOCKS, min(options.batch_size or MAX_FULL_BLOCKS, MAX_FULL_BLOCKS))
        self._hashes: dict[int, Hash] = {}
        self._tip_checked_at = 0.0
        self._pauses = Backoff(RETRY_SECONDS, MAX_PAUSE_SECONDS)
        self._narrow: int | None = None
        """Upper bound of the next range in blocks, after inconsistent answers for a larger one: the node may lack the
        last ones, though they are not above its head."""
        self._misfits = 0
        """Inconsistent answers in a row for a single block, which is then fetched by its hash."""
        self._ghost_core = options.contracts["GhostCore"]
        self._deployed_by = MAX_BLOCK + 1
        """The earliest block by whose end GhostCore is known to exist."""

    def reset(self, first: int, parent_hash: Hash | None, *, is_deployed: bool) -> None:
        """Drop what was fetched from block `first` on; the reader has the block before it, with this hash.
        `is_deployed`: GhostCore is known to exist by then."""
        self._queue.clear()
        self._hashes = {number: known for number, known in self._hashes.items() if number < first}
        if parent_hash is not None:
            self._hashes[first - 1] = parent_hash
        self._deployed_by = first - 1 if is_deployed else MAX_BLOCK + 1

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
        await self._probe(first)
        proofs = self._client.proofs
        try:
            while True:
                if proofs != self._client.proofs:
                    proofs = self._client.proofs
                    self._availability.reset_after_node_change()
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

    async def _probe(self, first: int) -> None:
        """Find out whether the node has the state of old blocks, so that no range in flight is fetched twice."""
        head = self._heads.head or 0
        if self._availability.is_known or first > head - RECENT_BLOCKS:
            return
        try:
            await self.states.state(first)
        except StateMissing as missing:
            self._availability.record_unavailable(first, head, missing.message)
        except (StateUnavailable, Inconsistent):
            return  # GhostCore may not be deployed yet, or the node may be at odds with itself
        else:
            self._availability.record_available(first, head)

    def _begin_fetch(self, first: int, end: int, head: int) -> _Flight:
        """Begin to fetch the next range: of blocks that no machine of the node lacks, or of those near the head."""
        last_by_range = head - LAGGING_BLOCKS
        full = self._availability.needs_full_blocks(first, head)
        size = self._by_blocks.size if full else self._by_logs.size
        size = min(size, self._narrow or size)
        last = min(first + size - 1, end if full or first > last_by_range else min(end, last_by_range))
        last = self._availability.bounded(first, last, head)
        meter = Meter()
        task = asyncio.create_task(self._fetch(first, last, head, full, meter))
        return _Flight(first, last, full, task, meter)

    async def _fetch(self, first: int, last: int, head: int, full: bool, meter: Meter) -> FetchedRange:
        is_skipped = self._is_skipped(first, last, head)
        is_closed = not is_skipped and self._availability.may_have_state(last, head)
        if not (full or self._is_by_range(last, head)):
            fetched, state = await self._fetch_by_hash(first, last, meter, is_closed=is_closed)
        else:
            if full:
                fetched = await self.full.fetch(first, last, meter, by_range=self._is_by_range(last, head))
            else:
                fetched = await self.fetcher.by_range(first, last, meter)
            state = await self._state_after(fetched.last if is_closed else None)
        if self._store_state(fetched, state, head) or is_skipped or full:
            return fetched
        if not self._is_deployed_by(fetched) or not self._availability.may_fetch_in_full:
            return fetched
        return await self.fetch_in_full(first, last)

    def _is_by_range(self, last: int, head: int) -> bool:
        """Whether the logs of blocks up to `last` are requested by range instead of by each block's hash."""
        return last <= head - LAGGING_BLOCKS and not self._misfits

    async def _fetch_by_hash(
        self, first: int, last: int, meter: Meter | None = None, *, is_closed: bool
    ) -> tuple[FetchedRange, ContractState | StateUnavailable | None]:
        """A range near the head and the state after it, in one request, since the blocks' hashes are known."""
        headers = await self._headers(first, last)
        closing = headers[-1] if is_closed else None
        calls = await self.states.closing_calls(closing) if closing is not None else []
        fetched, answers = await self.fetcher.by_hash_with(headers, calls, meter)
        return fetched, await self._state_after(closing, answers)

    async def _state_after(
        self, block: Header | None, answers: Answers | None = None
    ) -> ContractState | StateUnavailable | None:
        """The contracts' state after a block, or why there is none; None if no block is given. `answers` are passed to
        `StateReader.state`."""
        try:
            return None if block is None else await self.states.state(block, answers)
        except StateUnavailable as unavailable:
            return unavailable

    def _store_state(self, fetched: FetchedRange, state: ContractState | StateUnavailable | None, head: int) -> bool:
        """Store the contracts' state after a range, or record that the node lacks it; return whether it is there.
        `state` is None if it was not requested."""
        if isinstance(state, ContractState):
            fetched.state = state
            self._deployed_by = min(self._deployed_by, fetched.last.number)
            self._availability.record_available(fetched.last.number, head)
        elif state is not None and self._is_deployed_by(fetched):
            self._availability.record_unavailable(fetched.last.number, head, state.message)
        return fetched.state is not None

    async def fetch_closed(self, first: int, last: int) -> FetchedRange:
        """The blocks first to last as one range, with the contracts' state after it where the node has it."""
        fetched, state = await self._fetch_by_hash(first, last, is_closed=True)
        if isinstance(state, ContractState):
            fetched.state = state
        return fetched

    def _is_skipped(self, first: int, last: int, head: int) -> bool:
        """Whether a block at the head is not compared with the contracts' state (GHOSTNET_STATE_EVERY): what changes in
        it is shown by that of the next one that is, where the node has any."""
        is_at_head = first == last > head - LAGGING_BLOCKS
        return is_at_head and last % self._options.state_every != 0 and self._availability.is_shown

    def _is_deployed_by(self, fetched: FetchedRange) -> bool:
        """Whether GhostCore exists at the end of a range: before that, it has no state. Ranges come in any order."""
        for block in fetched.blocks:
            if block.header.number < self._deployed_by and any(log.address == self._ghost_core for log in block.logs):
                self._deployed_by = block.header.number
        return fetched.last.number >= self._deployed_by

    async def fetch_in_full(self, first: int, last: int, parties: AbstractSet[Address] | None = None) -> FetchedRange:
        """A range with all transactions, in portions that the node can send, as one; `parties` as of `full.fetch`."""
        whole: FetchedRange | None = None
        head = self._heads.head or 0
        while first <= last:
            portion = min(last, first + self._by_blocks.size - 1)
            started, portion_meter = time.monotonic(), Meter()
            try:
                by_range = self._is_by_range(portion, head)
                part = await self.full.fetch(first, portion, portion_meter, by_range=by_range, parties=parties)
            except (RangeTooLarge, TooLarge):
                if portion == first:
                    raise
                self._by_blocks.record_refusal(portion - first + 1)
                continue
            self._by_blocks.record_success(part.size, part.log_count, portion_meter.bytes, time.monotonic() - started)
            if whole is None:
                whole = part
            else:
                whole.append(part)
            first = portion + 1
        assert whole is not None
        return whole

    async def _headers(self, first: int, last: int) -> list[Header]:
        """Linked headers near the head: those that the subscription brought, else those that the node gives."""
        pushed = [self._heads.pushed_header(number) for number in range(first, last + 1)]
        try:
            return linked(range(first, last + 1), pushed)
        except Inconsistent:
            return await self.fetcher.linked_headers(first, last)

    async def _finish_fetch(self, flight: _Flight) -> FetchedRange | None:
        """A flight's range; None if it must be fetched again, perhaps smaller.

        Raises RangeTooLarge or TooLarge if even one block is too much for the node, and Inconsistent if the answers for
        a single block repeatedly are.
        """
        size, blocks = self._by_blocks if flight.full else self._by_logs, flight.last - flight.first + 1
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
            if self._misfits == MAX_INCONSISTENT_TRIES:
                raise
            await asyncio.sleep(self._pauses.pause())
            with suppress(Inconsistent, RpcError):
                await self._heads.refresh()
            return None
        self._pauses.reset()
        self._narrow, self._misfits = None, 0
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
            header = self._heads.pushed_header(number) if self._heads.is_subscription_reliable else None
            if header is None:
                (header,) = await self.fetcher.headers([number])
            if header is None or header.hash == self._hashes[number]:
                return False
            fetched = await self.fetcher.by_hash([header])
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
