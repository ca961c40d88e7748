"""The loop: fetch, decode, apply, write. The only module that knows all stages."""

import gc
import logging
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from indexer.apply.block import apply_block
from indexer.chain.ancestor import find_common_ancestor
from indexer.chain.blocks import FetchedBlock, FetchedRange
from indexer.chain.node_witness import NodeWitness
from indexer.chain.reconciler import Place, Tip, reconcile
from indexer.chain.source import BlockSource
from indexer.decode.block import Archive, archive_transactions, decode_logs
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Block, Transaction
from indexer.domain.game import Game
from indexer.domain.records import ChainEventRow, ChainTransactionRow, DeathRow, UndecodedLogRow
from indexer.domain.scans import Evidence
from indexer.domain.units import Address, Calldata, Hash
from indexer.reporting import Observer
from indexer.store.checkpoint import start_chain
from indexer.store.loader import Snapshot, load_game
from indexer.store.rollback import roll_back
from indexer.store.writer import Batch, HeaderRecord, Writer
from indexer.store.writer_thread import WriterThread

logger = logging.getLogger(__name__)

NOTHING_NEW_SECONDS = 0.25
GC_THRESHOLDS = (100_000, 50, 100)
"""Rows and events are many, short-lived and free of cycles: looking at them often costs a quarter of the time."""
SWITCH_SECONDS = 0.0005
"""How long a thread that waits for I/O may be kept from going on: the writer needs little but often."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is indexed: a deployment, how many headers to remember, and how many blocks a reorg may drop."""

    chain_id: int
    start_block: int
    contracts: dict[str, Address]
    headers_kept: int
    reorg_depth: int


class Pipeline:
    """Applies what a source brings to the tables, in order, undoing reorgs.

    The caller holds the chain's lock on `connection`, which only the pipeline uses while it runs.
    """

    def __init__(self, chain: Chain, source: BlockSource, connection: Connection[Any], observer: Observer) -> None:
        self._chain = chain
        self._source = source
        self._connection = connection
        self._observer = observer
        self._decoder = LogDecoder(chain.contracts)
        self._writer = WriterThread(Writer(connection, chain.chain_id, chain.headers_kept))
        self._game = Game(chain.contracts)
        self._tip = Tip(chain.start_block - 1, None)

    @property
    def tip(self) -> Tip:
        """The last applied block."""
        return self._tip

    def run(self, last_block: int | None, until_head: bool, stop: threading.Event) -> None:
        """Index until `last_block`, until the head, or until told to stop; what was applied is committed on return.

        Raises GhostnetError for what is known to go wrong; then nothing of the batch at hand is written.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        chain = self._chain
        start_chain(self._connection, chain.chain_id, chain.start_block, chain.contracts)
        self._load()
        self._source.start(self._tip.number + 1, last_block)
        self._writer.start()
        try:
            self._undo_reorg_while_away()
            while not stop.is_set() and not self._arrived(last_block, until_head):
                fetched = self._source.next(NOTHING_NEW_SECONDS)
                if fetched is not None:
                    self._take(fetched)
        finally:
            self._source.stop()
            self._writer.close()

    def _arrived(self, last_block: int | None, until_head: bool) -> bool:
        if last_block is not None and self._tip.number >= last_block:
            return True
        head = self._source.head
        return until_head and head is not None and self._tip.number >= head

    def _load(self) -> None:
        """Load the mirror from the tables; what it holds stays, so the garbage collector need not look at it."""
        snapshot = Snapshot(self._connection)
        progress = snapshot.progress
        self._game = load_game(snapshot, self._chain.contracts)
        self._game.witness = NodeWitness(self._source.call, self._chain.contracts)
        empty = progress.block_number < progress.start_block
        self._tip = Tip(progress.block_number, None if empty else progress.block_hash)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)

    def _take(self, fetched: FetchedRange) -> None:
        """Apply a range's blocks that come next, and write them as one batch."""
        blocks: list[FetchedBlock] = []
        tip = self._tip
        for block in fetched.blocks:
            header = block.header
            place = reconcile(tip, header.number, header.hash, header.parent_hash)
            if place is Place.NEXT:
                blocks.append(block)
                tip = Tip(header.number, header.hash)
            elif place is not Place.DUPLICATE:
                self._apply(blocks)
                self._realign(place)
                return
        self._apply(blocks)

    def _apply(self, fetched: list[FetchedBlock]) -> None:
        if not fetched:
            return
        archive = Archive()
        for block in fetched:
            self._apply_block(block, archive)
        rows = self._game.journal.take()
        _warn_of_assumptions(rows[DeathRow])
        rows[ChainEventRow] = archive.events
        rows[ChainTransactionRow] = archive.transactions
        rows[UndecodedLogRow] = archive.undecoded
        headers = [
            HeaderRecord(header.number, header.hash, header.parent_hash, header.timestamp)
            for header in (block.header for block in fetched)
        ]
        self._tip = Tip(headers[-1].number, headers[-1].hash)
        settled = self._tip.number < (self._source.head or 0) - self._chain.reorg_depth
        self._writer.put(Batch.of(rows, headers, settled=settled))
        logs = len(archive.events) + len(archive.undecoded)
        self._observer.applied(self._tip.number, self._source.head, len(fetched), logs)

    def _apply_block(self, fetched: FetchedBlock, archive: Archive) -> None:
        header = fetched.header
        block = Block(header.number, Hash(header.hash), Hash(header.parent_hash), header.timestamp)
        block.transactions = [
            Transaction(
                transaction.tx_index,
                Hash(transaction.hash),
                Address(transaction.sender),
                Address(transaction.to) if transaction.to else None,
                Calldata(transaction.input),
            )
            for transaction in fetched.transactions
        ]
        decode_logs(self._decoder, block, fetched.logs, archive)
        archive_transactions(block, archive)
        apply_block(self._game, block)

    def _undo_reorg_while_away(self) -> None:
        """The chain may have moved while nobody watched: is our tip still the node's block of that height?"""
        if self._tip.hash is None:
            return
        (header,) = self._source.headers([self._tip.number])
        if header is not None and header.hash != self._tip.hash:
            self._realign(Place.REORG)

    def _realign(self, place: Place) -> None:
        """Go on from where the node's chain and ours agree."""
        self._writer.drain()
        if place is not Place.GAP:
            ancestor = find_common_ancestor(self._connection, self._source.headers, self._tip)
            if ancestor is not None:
                self._roll_back(ancestor)
        self._source.restart(self._tip.number + 1)

    def _roll_back(self, ancestor: int) -> None:
        rollback = roll_back(self._connection, ancestor, None)
        logger.warning(
            "reorg: %d blocks dropped down to %d, %d rows undone in %.0f ms",
            rollback.depth,
            ancestor,
            rollback.rows_undone,
            rollback.duration * 1000,
        )
        self._observer.rolled_back(rollback)
        self._load()


def _warn_of_assumptions(deaths: Sequence[DeathRow]) -> None:
    for death in deaths:
        if death.evidence == Evidence.ASSUMED:
            logger.warning("scan %d: assumed that %s died; see docs/decisions/0005", death.scan_id, death.address)
