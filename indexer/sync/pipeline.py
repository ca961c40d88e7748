"""The loop: fetch, decode, apply, write. The only module that knows all stages."""

import gc
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.base.tracing import TRACER
from indexer.chain.blocks import FetchedBlock, FetchedRange
from indexer.chain.errors import Interrupted
from indexer.chain.source import BlockSource
from indexer.chain.witness import NodeWitness
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, Address
from indexer.records.rows import up_to
from indexer.rules.block import apply_block
from indexer.rules.game import Game
from indexer.rules.witness import RecordingWitness
from indexer.store.alarms import AlarmKind, alarms, clear_alarm, raise_alarm
from indexer.store.checkpoint import start_chain
from indexer.store.loader import Snapshot, load_game
from indexer.store.rollback import roll_back
from indexer.store.writer import Batch, Writer
from indexer.sync.common_ancestor import find_divergence
from indexer.sync.reconciler import Place, Tip, reconcile
from indexer.sync.reporting import Applied, Observer
from indexer.sync.writer_thread import WriterThread

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
        self._writer = WriterThread(Writer(connection, chain.headers_kept))
        self._game = Game(chain.contracts)
        self._tip = Tip(chain.start_block - 1, None)
        self._alarms: set[AlarmKind] = set()

    @property
    def tip(self) -> Tip:
        """The last applied block."""
        return self._tip

    def run(self, last_block: int | None, until_head: bool, stop: Callable[[], bool]) -> None:
        """Index until `last_block`, until the head, or until `stop` says so; what was applied is committed on return.

        Raises GhostnetError for what is known to go wrong; all before the block at fault is written, nothing of it.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        chain = self._chain
        start_chain(self._connection, chain.chain_id, chain.start_block, chain.contracts)
        self._load()
        try:
            self._undo_divergence()
            self._source.start(self._tip.number + 1, last_block, self._tip.hash)
            self._writer.start()
            while not stop() and not self._arrived(last_block, until_head):
                if (fetched := self._source.next(NOTHING_NEW_SECONDS)) is not None:
                    self._take(fetched)
                self._writer.check()
                self._clear_alarms()
            self._clear_alarms()
        except Interrupted:
            logger.info("stopped while waiting for the node")
        finally:
            self._source.stop()
            self._writer.close()

    def _arrived(self, last_block: int | None, until_head: bool) -> bool:
        if last_block is not None and self._tip.number >= last_block:
            return True
        head = self._source.head
        return until_head and head is not None and self._tip.number >= head

    def _load(self) -> None:
        """Load the mirror from the tables; the garbage collector need not look at what a process begins with."""
        self._game = load_game(snapshot := Snapshot(self._connection), self._chain.contracts)
        node = NodeWitness(self._source.call, self._chain.contracts)
        self._game.witness = RecordingWitness(node, self._game.journal.answer)
        self._tip = Tip(snapshot.progress.block_number, snapshot.progress.block_hash)
        self._alarms = {kind for kind in alarms(self._connection) if kind is not AlarmKind.AUDIT}
        gc.collect()
        if not gc.get_freeze_count():
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

    @TRACER.start_as_current_span("apply")
    def _apply(self, fetched: list[FetchedBlock]) -> None:
        """Apply blocks and hand them over to be written; before one that can't be applied, those that could."""
        archive = Archive()
        for done, block in enumerate(fetched):
            try:
                apply_block(
                    self._game, decode_block(self._decoder, block.header, block.transactions, block.logs, archive)
                )
            except GhostnetError:
                self._put([sound.header for sound in fetched[:done]], archive)
                raise
        self._put([block.header for block in fetched], archive)

    def _put(self, headers: list[Header], archive: Archive) -> None:
        """Write the rows of applied blocks as one batch."""
        if not headers:
            return
        rows = up_to(headers[-1].number, self._game.journal.take() | archive.rows())
        first, head = headers[0], self._source.head or 0
        if self._tip.hash is None and first.number:
            headers = [Header(first.number - 1, first.parent_hash, NO_HASH, 0), *headers]
        self._tip = Tip(headers[-1].number, headers[-1].hash)
        settled = self._tip.number < head - self._chain.reorg_depth
        self._writer.put(Batch.of(rows, headers, settled=settled, chain_head=head))
        self._observer.applied(Applied.of(self._tip.number, head, headers[-1].number - first.number + 1, rows))

    def _realign(self, place: Place) -> None:
        """Go on from where the node's chain and ours agree."""
        self._writer.drain()
        if place is not Place.GAP:
            self._undo_divergence()
        self._source.restart(self._tip.number + 1, self._tip.hash)

    def _undo_divergence(self) -> None:
        """Roll back what the node's chain contradicts, if anything, however deep it lies.

        Beyond the depth that is expected, what we hold is not served as ready until the head is reached again.
        """
        if self._tip.hash is None:
            return
        head = self._source.head or self._tip.number
        divergence = find_divergence(self._connection, self._source.headers, self._tip.number, head)
        if divergence is None:
            return
        depth = self._tip.number - divergence.ancestor
        if depth > self._chain.reorg_depth:
            message = f"a reorg of {depth} blocks down to {divergence.ancestor}, deeper than the expected"
            self._alarm(AlarmKind.DEEP_REORG, f"{message} {self._chain.reorg_depth}: rewinding")
        self._observer.rolled_back(roll_back(self._connection, divergence.ancestor, divergence.new_hashes))
        self._load()

    def _alarm(self, kind: AlarmKind, message: str) -> None:
        raise_alarm(self._connection, kind, message)
        self._alarms.add(kind)
        self._observer.alarmed(kind, message)

    def _clear_alarms(self) -> None:
        """At the head, whatever kept us from it is over."""
        if self._alarms and self._tip.number >= (self._source.head or self._tip.number + 1):
            self._writer.drain()
            for kind in self._alarms:
                clear_alarm(self._connection, kind)
                self._observer.alarmed(kind, None)
            self._alarms.clear()
