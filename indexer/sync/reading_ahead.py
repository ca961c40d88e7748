"""Read ahead: apply the open block's transactions to a copy of the game (the twin), and publish their events at once.

The tables are not touched. The twin advances from block to block; the rows of each sealed block are compared with the
twin's, and a twin that differs is discarded and copied from the game anew.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Counter, Histogram

from indexer.base.errors import GhostnetError
from indexer.chain.preconfirmed import PreconfirmedTransaction
from indexer.decode.block import Archive, decode_logs
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Block, Header
from indexer.domain.units import NO_HASH, BlockTime, Hash
from indexer.records.rows import ChainBlockRow, ChainTransactionRow, PositionRow, Row
from indexer.rules.block import apply_transaction
from indexer.rules.game import Game
from indexer.rules.witness import NoWitness
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import items_of
from indexer.stream.preconfirmed_positions import PreconfirmedPosition, positions_of

logger = logging.getLogger(__name__)

MAX_BLOCKS_AHEAD: Final = 16
"""Blocks above the last applied one that are read ahead; an indexer further behind drops the rest."""
BLOCK_SECONDS: Final = 1
"""Seconds between two blocks of MegaETH, by which the open block's time is computed where the node does not send it."""
MAX_REPAIRS: Final = 8
"""Times a block that the twin is made anew because more logs came of a transaction that was applied already."""
_ARCHIVED: Final = (ChainBlockRow, ChainTransactionRow)
"""Rows that are not made by the rules, and are not compared: mini-blocks have no hash, and less calldata."""

PRECONFIRMED: Final = Counter("indexer_preconfirmed_events", "Events published before their block")
DROPPED: Final = Counter("indexer_preconfirmed_dropped", "Events published before a block that then did not have them")
COMPARED: Final = Counter(
    "indexer_preconfirmed_blocks",
    "Blocks read ahead, by what the sealed block then was: equal or different",
    ["result"],
)
LEAD: Final = Histogram(
    "indexer_preconfirmed_lead_seconds",
    "How long before its sealed block was applied an event was published",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5),
)

Rows = dict[type[Row], list[Any]]


@dataclass(slots=True)
class _OpenBlock:
    """A block that is not sealed yet, as far as it is known; `timestamp` in unix seconds.

    `repairs` counts how often a transaction of it had to be applied again; `rows` are those that the twin has made of
    it; `published` are the keys of the events that were published, with the time in seconds of the monotonic clock.
    """

    number: int
    timestamp: int
    transactions: dict[Hash, PreconfirmedTransaction] = field(default_factory=dict)
    repairs: int = 0
    rows: Rows = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)

    def add_rows(self, rows: Mapping[type[Row], Sequence[Any]]) -> None:
        for kind, some in rows.items():
            self.rows.setdefault(kind, []).extend(some)


class ReadingAhead:
    """The preconfirmed transactions above the last applied block; `publish` gets the events of each, in order, and the
    positions that it has changed.

    For use on the indexing thread. No failure is raised: the blocks concerned are not read ahead.
    """

    def __init__(
        self,
        decoder: LogDecoder,
        publish: Callable[[Sequence[FeedItem], Sequence[PreconfirmedPosition]], None],
    ) -> None:
        self._decoder = decoder
        self._publish = publish
        self._blocks: dict[int, _OpenBlock] = {}
        self._twin: Game | None = None
        self._at = 0
        """The block that is being applied to the twin, or was last."""
        self._useless_until = 0
        """The block up to which nothing is applied, after a failure."""
        self._first_sent: int | None = None
        """The block that was open when the node began to send its transactions."""
        self._tip, self._tip_time = 0, 0
        """The last block that was applied to the game, and its time."""

    def restart(self, tip: int, timestamp: int) -> None:
        """Drop all state, after the game was loaded anew from the tables, as after block `tip`."""
        for block in self._blocks.values():
            DROPPED.inc(len(block.published))
        self._blocks.clear()
        self._twin, self._useless_until = None, 0
        self._tip, self._tip_time = tip, timestamp

    def read(self, transactions: Sequence[PreconfirmedTransaction], game: Game) -> None:
        """Apply what the node has sent, on a copy of the `game` if there is no twin."""
        for transaction in transactions:
            if self._first_sent is None:
                self._first_sent = transaction.block_number
            if self._tip < transaction.block_number <= self._tip + MAX_BLOCKS_AHEAD:
                self._read(transaction, game)

    def sealed(self, header: Header, rows: Mapping[type[Row], Sequence[Any]]) -> None:
        """Compare what was read ahead with the `rows` of all blocks up to this one, which was applied to the game."""
        self._tip, self._tip_time = header.number, header.timestamp
        if self._twin is not None and self._at <= header.number:
            self._finish_block()
        sealed = [self._blocks.pop(number) for number in sorted(self._blocks) if number <= header.number]
        if not sealed and self._twin is None:
            return
        is_equal = self._twin is not None and _as_made(sealed) == _as_sealed(rows)
        if not is_equal:
            self._twin = None
        published = {key: at for block in sealed for key, at in block.published.items()}
        if published:
            COMPARED.labels("equal" if is_equal else "different").inc(len(sealed))
            kept = published.keys() if is_equal else published.keys() & {item.event_key for item in items_of(rows)}
            DROPPED.inc(len(published) - len(kept))
            now = time.monotonic()
            for key in kept:
                LEAD.observe(now - published[key])

    def _read(self, transaction: PreconfirmedTransaction, game: Game) -> None:
        block = self._block(transaction)
        known = block.transactions.setdefault(transaction.hash, transaction)
        if known is not transaction:
            if not known.add(transaction):
                return
            # What was applied was a part of the transaction.
            block.repairs += 1
            self._twin, self._useless_until = None, block.number if block.repairs > MAX_REPAIRS else 0
        if self._twin is not None:
            self._apply(block, known)
        elif self._useless_until <= self._tip and self._first_sent is not None and self._first_sent <= self._tip + 1:
            self._apply_anew(game)

    def _apply_anew(self, game: Game) -> None:
        """Apply all that is known above the game's block to a new twin."""
        self._twin, self._at = game.copy(), self._tip
        self._twin.witness = NoWitness()
        for _, block in sorted(self._blocks.items()):
            for transaction in block.transactions.values():
                if self._twin is not None:
                    self._apply(block, transaction)

    def _block(self, transaction: PreconfirmedTransaction) -> _OpenBlock:
        number = transaction.block_number
        if number not in self._blocks:
            timestamp = transaction.timestamp
            if timestamp is None:
                timestamp = self._tip_time + BLOCK_SECONDS * (number - self._tip)
            self._blocks[number] = _OpenBlock(number, timestamp)
        return self._blocks[number]

    def _apply(self, open_block: _OpenBlock, transaction: PreconfirmedTransaction) -> None:
        """Apply a transaction to the twin, and publish its events."""
        assert self._twin is not None
        twin, archive = self._twin, Archive()
        if open_block.number < self._at:
            self._give_up(open_block.number, f"transaction {transaction.hash} came after its block")
            return
        if open_block.number > self._at:
            self._finish_block()
            self._at = open_block.number
            open_block.rows = {}
            twin.journal.start_block(open_block.number, open_block.timestamp)
        header = Header(open_block.number, NO_HASH, NO_HASH, BlockTime(open_block.timestamp))
        block = Block(header, transactions=transaction.transactions)
        try:
            decode_logs(self._decoder, block, transaction.logs, archive)
            if block.logs:
                apply_transaction(twin, block.logs, {one.hash: one.input for one in transaction.transactions})
        except GhostnetError as error:
            self._give_up(open_block.number, error.message)
            return
        rows = twin.journal.take() | archive.rows()
        open_block.add_rows(rows)
        items = [item for item in items_of(rows) if item.event_key not in open_block.published]
        if items:
            open_block.published |= dict.fromkeys((item.event_key for item in items), time.monotonic())
            PRECONFIRMED.inc(len(items))
            players = dict.fromkeys(row.address for row in rows.get(PositionRow, ()))
            self._publish(items, [*positions_of(twin, players, open_block.number)])

    def _finish_block(self) -> None:
        """Let the twin finish the block that was applied to it last."""
        assert self._twin is not None
        self._twin.finish_block()
        self._twin.blocks_to_check.clear()
        rows = self._twin.journal.take()
        if self._at in self._blocks:
            self._blocks[self._at].add_rows(rows)

    def _give_up(self, number: int, reason: str) -> None:
        """Read nothing ahead until this block is sealed."""
        logger.debug("block %d is not read ahead: %s", number, reason)
        self._twin, self._useless_until = None, max(number, self._useless_until)


def _as_made(blocks: Sequence[_OpenBlock]) -> Rows:
    """What the twin has made of these blocks."""
    found: Rows = {}
    for block in blocks:
        for kind, some in block.rows.items():
            if some and kind not in _ARCHIVED:
                found.setdefault(kind, []).extend(some)
    return found


def _as_sealed(rows: Mapping[type[Row], Sequence[Any]]) -> Rows:
    """The same of sealed blocks."""
    return {kind: list(some) for kind, some in rows.items() if some and kind not in _ARCHIVED}
