"""Find the logs that a node left out: when a rule breaks, the blocks before are fetched again from each node."""

import logging
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final, NamedTuple

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.chain.blocks import FetchedRange
from indexer.chain.source import BlockSource
from indexer.decode.decoder import LogDecoder
from indexer.maintenance.comparing import Items, archived_items, differences, fetched_items
from indexer.store.headers import known_hashes

logger = logging.getLogger(__name__)

BLOCKS_AGAIN: Final = 1_000
"""Blocks that are fetched again, below the last applied one and above it."""
PORTION: Final = 100
MAX_TRIES: Final = 5
"""Attempts to heal the same failure without any progress."""
FIRST_PAUSE_SECONDS: Final = 0.1
"""Seconds before the third attempt at the head; the pauses double."""


class MissingLog(NamedTuple):
    """The first block of which the archive lacks something that a node has, and the node's address."""

    block: int
    node: str
    what: str


class MissingLogs:
    """Compares indexed blocks, from `start_block` on, with those that each node returns."""

    def __init__(self, connection: Connection[Any], source: BlockSource, decoder: LogDecoder, start_block: int) -> None:
        self._connection = connection
        self._source = source
        self._decoder = decoder
        self._start_block = start_block
        self._broken_at = -1
        self._tries = 0
        self._failure = ""
        self._began_at_head = False

    def find(self, tip: int, fetched: FetchedRange) -> MissingLog | None:
        """The first block, up to the tip or in the fetched range that can't be applied, of which a node returns more
        than is indexed; None if there is none, or after MAX_TRIES attempts without progress.

        What a node lacks is ignored: nodes leave out logs, they do not make up any.
        """
        if tip > self._broken_at:
            self._broken_at, self._tries, self._failure = tip, 0, ""
        self._tries += 1
        if self._tries > MAX_TRIES:
            return None
        first = max(self._start_block, tip + 1 - BLOCKS_AGAIN)
        last = min(fetched.last.number, tip + BLOCKS_AGAIN)
        found = [self._by_node(node, first, last, tip, fetched) for node in self._source.nodes]
        return min((one for one in found if one is not None), key=attrgetter("block"), default=None)

    def next_try(self, failure: GhostnetError, *, at_head: bool) -> float | None:
        """The seconds after which to fetch once more after a failure that no missing log explains; None if it is
        permanent.

        At first it may come from a machine with the state of another block, and is tried again at once. If it recurs it
        is permanent, unless it occurred `at_head` first: nodes may be late with the logs of their newest blocks.
        """
        alike, self._failure = self._failure == failure.message, failure.message
        if self._tries == 1:
            self._began_at_head = at_head
            return 0.0
        if self._tries > MAX_TRIES or (alike and not self._began_at_head):
            return None
        return FIRST_PAUSE_SECONDS * 2.0 ** (self._tries - 2) if self._began_at_head else 0.0

    def _by_node(self, node: str, first: int, last: int, tip: int, fetched: FetchedRange) -> MissingLog | None:
        for start, end in _ranges_of(first, last):
            theirs = self._source.fetch_alone(node, start, end)
            if theirs is None or self._is_of_another_fork(theirs):
                return None
            if (number := _other_time(fetched, theirs)) is not None:
                return MissingLog(number, node, f"block {number}, whose time it gave as another")
            ours = self._ours(start, end, tip, fetched)
            for difference in differences(ours, fetched_items(self._decoder, theirs.blocks)):
                unknown = tip < difference.number < fetched.first
                if difference.lacking and not unknown:
                    return MissingLog(difference.number, node, str(difference))
        return None

    def _ours(self, start: int, end: int, tip: int, fetched: FetchedRange) -> Items:
        """The logs and calldata of some blocks that are archived, or were fetched and can't be applied."""
        ours = archived_items(self._connection, start, min(end, tip)) if start <= tip else {}
        waiting = fetched.between(max(start - 1, tip), end)
        return ours | fetched_items(self._decoder, waiting)

    def _is_of_another_fork(self, theirs: FetchedRange) -> bool:
        known = known_hashes(self._connection, theirs.first, theirs.last.number)
        return any(header.hash != known.get(number, header.hash) for number, header in theirs.headers.items())


def _other_time(fetched: FetchedRange, theirs: FetchedRange) -> int | None:
    """The first of the fetched blocks to which a node gives another time."""
    for number, header in sorted(theirs.headers.items()):
        ours = fetched.headers.get(number)
        if ours is not None and ours.hash == header.hash and ours.timestamp != header.timestamp:
            return number
    return None


def _ranges_of(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last + 1, PORTION):
        yield start, min(last, start + PORTION - 1)
