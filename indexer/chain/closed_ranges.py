"""Fetch ranges of blocks with the contracts' state after them: by logs or, where the node lacks that state, in full."""

import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final

from indexer.chain.answers import Answers
from indexer.chain.blocks import FetchedRange, linked
from indexer.chain.client import Meter, NodeClient
from indexer.chain.errors import Inconsistent, RangeTooLarge, TooLarge
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.full_blocks import FullBlockFetcher
from indexer.chain.heads import HeadWatcher
from indexer.chain.options import SourceOptions
from indexer.chain.ranges import AdaptiveRange
from indexer.chain.state import StateMissing, StateReader, StateUnavailable
from indexer.chain.state_availability import RECENT_BLOCKS, StateAvailability
from indexer.domain.chain import Header
from indexer.domain.state import ContractState
from indexer.domain.units import MAX_BLOCK, Address

LAGGING_BLOCKS: Final = 6
"""Distance to the head in blocks up to which logs are fetched by block hash: a machine may still lack these blocks."""
FIRST_FULL_BLOCKS: Final = 25
MAX_FULL_BLOCKS: Final = 500


class ClosedRangeFetcher:
    """Fetches ranges by their logs where the node has the state after them, else with all transactions."""

    def __init__(self, client: NodeClient, heads: HeadWatcher, options: SourceOptions) -> None:
        self.ranges = RangeFetcher(client, options.contracts)
        self.full = FullBlockFetcher(client, self.ranges, options.contracts)
        self.states = StateReader(client, options.contracts)
        self.availability = StateAvailability(options.full_blocks)
        self.portions = AdaptiveRange(FIRST_FULL_BLOCKS, min(options.batch_size or MAX_FULL_BLOCKS, MAX_FULL_BLOCKS))
        """The number of blocks that are fetched with all transactions at once."""
        self.avoids_ranges = False
        """Whether logs are requested by each block's hash at any distance to the head."""
        self._heads = heads
        self._state_every = options.state_every
        self._ghost_core = options.contracts["GhostCore"]
        self._deployed_by = MAX_BLOCK + 1
        """The earliest block by whose end GhostCore is known to exist."""

    def reset(self, first: int, *, is_deployed: bool) -> None:
        """Fetch from block `first` on next; `is_deployed`: GhostCore is known to exist before it."""
        self._deployed_by = first - 1 if is_deployed else MAX_BLOCK + 1

    async def probe(self, first: int, head: int) -> None:
        """Find out whether the node has the state of old blocks, so that no range in flight is fetched twice."""
        if self.availability.is_known or first > head - RECENT_BLOCKS:
            return
        try:
            await self.states.state(first)
        except StateMissing as missing:
            self.availability.record_unavailable(first, head, missing.message)
        except (StateUnavailable, Inconsistent):
            return  # GhostCore may not be deployed yet, or the node may be at odds with itself
        else:
            self.availability.record_available(first, head)

    async def fetch(self, first: int, last: int, head: int, meter: Meter, *, full: bool) -> FetchedRange:
        """Blocks first to last, while the node's head is at height `head`; `full`: with all transactions in any case,
        else only if the node turns out to lack the state after them. Raises RangeTooLarge, TooLarge, Inconsistent,
        another NodeError."""
        is_skipped = self._is_skipped(first, last, head)
        is_closed = not is_skipped and self.availability.may_have_state(last, head)
        if not (full or self._is_by_range(last, head)):
            fetched, state = await self._fetch_by_hash(first, last, meter, is_closed=is_closed)
        else:
            if full:
                fetched = await self.full.fetch(first, last, meter, by_range=self._is_by_range(last, head))
            else:
                fetched = await self.ranges.by_range(first, last, meter)
            state = await self._state_after(fetched.last if is_closed else None)
        if self._store_state(fetched, state, head) or is_skipped or full:
            return fetched
        if not self._is_deployed_by(fetched) or not self.availability.may_fetch_in_full:
            return fetched
        return await self.fetch_in_full(first, last)

    def _is_by_range(self, last: int, head: int) -> bool:
        """Whether the logs of blocks up to `last` are requested by range instead of by each block's hash."""
        return last <= head - LAGGING_BLOCKS and not self.avoids_ranges

    async def _fetch_by_hash(
        self, first: int, last: int, meter: Meter | None = None, *, is_closed: bool
    ) -> tuple[FetchedRange, ContractState | StateUnavailable | None]:
        """A range near the head and the state after it, in one request, since the blocks' hashes are known."""
        headers = await self._headers(first, last)
        closing = headers[-1] if is_closed else None
        calls = await self.states.closing_calls(closing) if closing is not None else []
        fetched, answers = await self.ranges.by_hash_with(headers, calls, meter)
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
            self.availability.record_available(fetched.last.number, head)
        elif state is not None and self._is_deployed_by(fetched):
            self.availability.record_unavailable(fetched.last.number, head, state.message)
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
        return is_at_head and last % self._state_every != 0 and self.availability.is_shown

    def _is_deployed_by(self, fetched: FetchedRange) -> bool:
        """Whether GhostCore exists at the end of a range: before that, it has no state. Ranges come in any order."""
        for block in fetched.blocks:
            if block.header.number < self._deployed_by and any(log.address == self._ghost_core for log in block.logs):
                self._deployed_by = block.header.number
        return fetched.last.number >= self._deployed_by

    async def fetch_in_full(self, first: int, last: int, parties: AbstractSet[Address] | None = None) -> FetchedRange:
        """A range with all transactions, in portions that the node can send, as one; `parties` as of `full.fetch`.

        Raises as `fetch`.
        """
        whole: FetchedRange | None = None
        head = self._heads.head or 0
        while first <= last:
            portion = min(last, first + self.portions.size - 1)
            started, portion_meter = time.monotonic(), Meter()
            try:
                part = await self._fetch_portion(first, portion, head, portion_meter, parties)
            except (RangeTooLarge, TooLarge):
                if portion == first:
                    raise
                self.portions.record_refusal(portion - first + 1)
                continue
            self.portions.record_success(part.size, part.log_count, portion_meter.bytes, time.monotonic() - started)
            if whole is None:
                whole = part
            else:
                whole.append(part)
            first = portion + 1
        assert whole is not None
        return whole

    async def _fetch_portion(
        self, first: int, last: int, head: int, meter: Meter, parties: AbstractSet[Address] | None
    ) -> FetchedRange:
        """Blocks with all transactions in one go; their logs by each block's hash where those of the range do not fit
        together."""
        if self._is_by_range(last, head):
            with suppress(Inconsistent):
                return await self.full.fetch(first, last, meter, by_range=True, parties=parties)
        return await self.full.fetch(first, last, meter, parties=parties)

    async def _headers(self, first: int, last: int) -> list[Header]:
        """Linked headers near the head: those that the subscription brought, if the first ones of its socket were those
        that the node gives, else these."""
        numbers = range(first, last + 1)
        try:
            pushed = linked(numbers, [self._heads.pushed_header(number) for number in numbers])
        except Inconsistent:
            return await self.ranges.linked_headers(first, last)
        if not self._heads.is_comparison_due:
            return pushed
        theirs = await self.ranges.linked_headers(first, last)
        self._heads.compare_pushed(pushed, theirs)
        return theirs
