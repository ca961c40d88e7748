"""The indexing loop: fetch, decode, apply, write. The only module that knows all stages."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import Connection

from indexer.base.stopping import Interrupted
from indexer.chain.blocks import FetchedRange
from indexer.chain.closed_ranges import LAGGING_BLOCKS
from indexer.chain.errors import Inconsistent
from indexer.chain.source import BlockSource
from indexer.chain.witness import NodeWitness
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Header
from indexer.domain.finality import is_finalized
from indexer.domain.units import NO_HASH, Address
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.rules.registry import check_handlers
from indexer.rules.witness import RecordingWitness
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.claim import Claim, no_payload
from indexer.store.headers import store_header
from indexer.store.loader import Snapshot, load_game
from indexer.store.rollback import BEFORE_THE_CHAIN, roll_back
from indexer.store.undecoded import first_kept
from indexer.store.writer import Batch, Writer
from indexer.stream.commit_payload import commit_payload
from indexer.sync.agreement import MAX_REAPPLIED_BLOCKS, last_agreement
from indexer.sync.applier import AppliedBlocks, RangeApplier
from indexer.sync.beginning import begin_chain
from indexer.sync.common_ancestor import Divergence, find_divergence
from indexer.sync.contract_changes import decodable_now, with_undecoded
from indexer.sync.interpreter import tune_interpreter
from indexer.sync.metrics import HEALED
from indexer.sync.missing_logs import MissingLogs
from indexer.sync.node_behind import BEHIND_SECONDS, NodeBehind
from indexer.sync.node_proof import NodeProof
from indexer.sync.observer import Applied, Observer
from indexer.sync.preconfirmed_publisher import PreconfirmedPublisher
from indexer.sync.reading_ahead import ReadingAhead
from indexer.sync.reconciler import Linkage, Tip, reconcile
from indexer.sync.silent_changes import UncheckedBlocksBefore
from indexer.sync.standing_alarms import StandingAlarms
from indexer.sync.undecoded import UndecodedLogs
from indexer.sync.writer_thread import WriterThread

logger = logging.getLogger(__name__)

NOTHING_NEW_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Chain:
    """What is indexed: a deployment's contracts from `start_block` on.

    `headers_kept` is the number of newest block headers that are stored; `reorg_depth` the number of blocks that the
    deepest expected reorg drops.
    """

    chain_id: int
    start_block: int
    contracts: dict[str, Address]
    headers_kept: int
    reorg_depth: int


class Pipeline:
    """Applies the blocks of a source to the tables, in order, and rolls back reorgs.

    The caller holds the chain's lock on `connection`, which only the pipeline uses while it runs.
    """

    def __init__(self, chain: Chain, source: BlockSource, connection: Connection[Any], observer: Observer) -> None:
        self._chain = chain
        self._source = source
        self._connection = connection
        self._observer = observer
        decoder = LogDecoder(chain.contracts)
        check_handlers(chain.contracts)
        self._applier = RangeApplier(source, decoder, self._reload_game)
        self._decoder = decoder
        self._undecoded = UndecodedLogs(decoder)
        self._missing_logs = MissingLogs(connection, source, decoder, chain.start_block)
        self._publisher = PreconfirmedPublisher()
        self._ahead = ReadingAhead(decoder, self._publisher.publish)
        self._claim = Claim(connection)
        self._writer = WriterThread(Writer(self._claim, chain.headers_kept))
        self._tip = Tip(chain.start_block - 1, None)
        self._last_checked = self._tip.number
        """The last block after which the game was compared with the contracts' state."""
        self._alarms = StandingAlarms(connection, observer, self._writer.drain)
        self._node_behind = NodeBehind()
        self._proof = NodeProof(connection, source, chain.reorg_depth)

    @property
    def tip(self) -> Tip:
        """The last applied block."""
        return self._tip

    def run(self, last_block: int | None, until_head: bool, stop: Callable[[], bool]) -> None:
        """Index until `last_block`, until the head, or until `stop()` is true.

        On return all applied blocks are committed. Raises GhostnetError for known failures: the blocks
        before the one at fault are then committed, that one is not.
        """
        chain = self._chain
        begin_chain(self._connection, self._source, chain.chain_id, chain.start_block, chain.contracts)
        self._claim.take()
        self._load_game()
        self._report_kept_logs()
        tune_interpreter()
        try:
            self._proof.choose(self._tip, anew=True)
            self._roll_back_divergence()
            self._return_to_agreement()
            self._source.start(self._tip.number + 1, last_block, self._tip.hash, is_deployed=self._is_deployed)
            self._writer.start()
            while not stop() and not self._is_done(last_block, until_head):
                fetched = self._source.next(NOTHING_NEW_SECONDS)
                # Transactions that came just before their block are in the twin with which it is compared.
                self._ahead.read(self._source.preconfirmed(), self._applier.game)
                if fetched is not None:
                    self._apply_range(fetched)
                elif self._writer.is_idle:
                    self._applier.refresh_spare()
                self._writer.check()
                self._alarms.report(AlarmKind.NODE, "; ".join(self._source.disproven) or None)
                self._check_head()
                self._alarms.clear_over(self._source.head, self._tip.number)
            self._alarms.clear_over(self._source.head, self._tip.number)
        except Interrupted:
            logger.info("stopped while waiting for the node")
        finally:
            self._source.stop()
            self._publisher.close()
            self._writer.close()

    def _is_done(self, last_block: int | None, until_head: bool) -> bool:
        if last_block is not None and self._tip.number >= last_block:
            return True
        head = self._source.head
        return until_head and head is not None and self._tip.number >= head

    def _load_game(self) -> None:
        """Load the game's state from the tables."""
        game = load_game(snapshot := Snapshot(self._connection), self._chain.contracts)
        node = NodeWitness(self._source, self._chain.contracts)
        game.witness = RecordingWitness(node, game.journal.answer)
        self._tip = Tip(snapshot.checkpoint.block_number, snapshot.checkpoint.block_hash)
        self._last_checked = snapshot.checkpoint.checked_block
        self._applier.start(game, snapshot.checkpoint.timestamp)
        self._ahead.restart(snapshot.checkpoint.block_number, snapshot.checkpoint.timestamp)
        standing = alarms(self._connection)
        self._alarms.load(standing)
        self._undecoded.alarm = standing.get(AlarmKind.UNDECODED)
        self._proof.choose(self._tip)

    def _report_kept_logs(self) -> None:
        """Report logs that were kept, and can be decoded by now; the alarm about them is over if none is kept."""
        message = decodable_now(self._connection, self._decoder)
        if message is not None:
            self._alarms.report(AlarmKind.UNDECODED, message)
        elif self._undecoded.alarm is not None and first_kept(self._connection, 0) is None:
            self._undecoded.alarm = None
            self._alarms.set(AlarmKind.UNDECODED, None)

    @property
    def _is_deployed(self) -> bool:
        """Whether GhostCore is known to exist after the tip."""
        return self._applier.game.is_initialized

    def _apply_range(self, fetched: FetchedRange) -> None:
        """Apply a range that extends the chain, and write it; at a reorg or a gap, fetch again."""
        linkage = reconcile(self._tip, fetched.first, fetched.first_hash, fetched.parent_hash)
        if linkage is Linkage.NEXT:
            unchecked = self._tip.number - self._last_checked
            try:
                self._apply(fetched, follows_unchecked=0 < unchecked <= MAX_REAPPLIED_BLOCKS)
            except (InvariantBroken, Inconsistent) as error:
                self._recover(fetched, error)
        elif linkage is Linkage.GAP:
            self._fetch_again()
        elif linkage is not Linkage.DUPLICATE:
            self._return_to_common_ancestor()

    def _apply(self, fetched: FetchedRange, *, follows_unchecked: bool = False) -> None:
        for applied in self._applier.apply(fetched, follows_unchecked=follows_unchecked):
            self._write_batch(applied)

    def _recover(self, fetched: FetchedRange, error: InvariantBroken | Inconsistent) -> None:
        """Fetch again what could not be applied, where that may help; else raise the error."""
        if isinstance(error, InvariantBroken) and not self._was_replaced(fetched.last):
            try:
                self._apply_again_together(fetched, error)
            except InvariantBroken as broken:
                self._reindex_missing_logs(fetched, broken)
        else:
            logger.warning("blocks from %d on are fetched again: %s", self._tip.number + 1, error.message)
            self._reload_game()
            self._return_to_common_ancestor()

    def _apply_again_together(self, fetched: FetchedRange, error: InvariantBroken) -> None:
        """Apply a range together with the preceding blocks that were not compared with the contracts' state, to locate
        a silent change in one of them. Raises `error` if no state shows one."""
        blocks = self._blocks_before_state(fetched, error)
        if blocks is None:
            raise error
        self._reload_game()
        right, last = blocks
        logger.warning("blocks from %d on are applied again: %s", right + 1, error.message)
        if right < self._tip.number and not self._return_to(right):
            raise error
        try:
            self._apply(self._source.fetch_closed(self._tip.number + 1, last))
        except (InvariantBroken, Inconsistent):
            if not self._was_replaced(fetched.last):
                raise
            self._reload_game()
        self._return_to_common_ancestor()

    def _blocks_before_state(self, fetched: FetchedRange, error: InvariantBroken) -> tuple[int, int] | None:
        """The last block that is taken as right, and the range's last block or the head, if the node has the state
        after it, by which silent changes are found; None if neither is near enough and has one."""
        if isinstance(error, UncheckedBlocksBefore):
            return self._last_checked, fetched.last.number
        if fetched.state is not None:
            return None
        head = self._source.head or 0
        ends: tuple[tuple[int, Header | int], ...] = (fetched.last.number, fetched.last), (head, head)
        for number, block in ends:
            right = max(self._last_checked, number - MAX_REAPPLIED_BLOCKS)
            if right <= self._tip.number and self._source.state(block) is not None:
                return right, number
        return None

    def _reindex_missing_logs(self, fetched: FetchedRange, error: InvariantBroken) -> None:
        """Index again what a node had left out. If no node has more than is indexed: fetch once more, at the head a few
        times, and raise the error if it recurs."""
        self._reload_game()
        missing = self._missing_logs.find(self._tip.number, fetched)
        if missing is None:
            at_head = fetched.last.number > (self._source.head or 0) - LAGGING_BLOCKS
            pause = self._missing_logs.next_try(error, at_head=at_head)
            if pause is None:
                raise with_undecoded(self._connection, self._decoder, error, self._tip.number, fetched) from error
            self._source.pause(pause)
            logger.warning("blocks from %d on are fetched once more: %s", self._tip.number + 1, error.message)
            self._return_to_common_ancestor()
            return
        HEALED.inc()
        self._alarms.raise_until_head(
            AlarmKind.LEFT_OUT, f"a node had left out logs, indexing anew from {missing.what}"
        )
        self._source.prefer(missing.node)
        if missing.block <= self._tip.number and not self._return_to(missing.block - 1):
            raise error
        self._return_to_common_ancestor()

    def _return_to_agreement(self) -> None:
        """Roll back to the last block after which the tables agree with the contracts' state, if they differ now: what
        was written without a comparison lacks a change that left no log."""
        found = last_agreement(self._connection, self._source, self._applier.game, self._tip, self._chain.start_block)
        if found is None:
            return
        if found.differs_later:
            logger.warning("blocks from %d on are applied again: they lack a change that left no log", found.block + 1)
            self._return_to(found.block)
        self._last_checked = min(found.block, self._tip.number)

    def _return_to(self, ancestor: int) -> bool:
        """Roll back to a block of the node's chain whose header may no longer be stored; False if the node lacks it."""
        if ancestor != BEFORE_THE_CHAIN.number:
            (header,) = self._source.headers([ancestor])
            if header is None:
                return False
            store_header(self._connection, header)
        self._observer.rolled_back(roll_back(self._claim, ancestor))
        self._load_game()
        return True

    def _was_replaced(self, header: Header) -> bool:
        """Whether the node now has another block at this height."""
        (theirs,) = self._source.headers([header.number])
        return theirs is not None and theirs.hash != header.hash

    def _write_batch(self, applied: AppliedBlocks) -> None:
        """Pass the rows of applied blocks to the writer as one batch."""
        first, last, head = self._tip.number + 1, applied.last.number, self._source.head or 0
        headers = applied.headers
        if self._tip.hash is None and first:
            headers = [Header(first - 1, applied.parent_hash, NO_HASH, 0), *headers]
        self._tip = Tip(last, applied.last.hash)
        self._last_checked = last if applied.are_checked else self._last_checked
        self._proof.renew(self._tip)
        finalized = is_finalized(last, head, self._chain.reorg_depth)
        payload = no_payload if finalized else partial(commit_payload, applied.rows, applied.last, head)
        checked = None if applied.are_checked else self._last_checked
        batch = Batch.from_rows(
            applied.rows, headers, finalized=finalized, chain_head=head, checked_block=checked, payload=payload
        )
        # An event that comes before its block comes before the block's commit.
        self._publisher.wait()
        self._writer.put(batch)
        self._ahead.sealed(applied.last, applied.rows)
        report = Applied.of(last, head, last - first + 1, applied.rows)
        self._observer.applied(report)
        self._count_logs(report)

    def _count_logs(self, applied: Applied) -> None:
        """Raise or clear the alarm about logs that can't be decoded."""
        before = self._undecoded.alarm
        self._undecoded.count(applied.logs - len(applied.undecoded), applied.undecoded)
        if (alarm := self._undecoded.alarm) != before:
            self._alarms.set(AlarmKind.UNDECODED, alarm)

    def _reload_game(self) -> Game:
        """The game as it was written last, without the rows of an attempt."""
        self._writer.drain()
        self._load_game()
        return self._applier.game

    def _fetch_again(self) -> None:
        """Fetch anew from the block after the tip on."""
        self._source.restart(self._tip.number + 1, self._tip.hash, is_deployed=self._is_deployed)

    def _return_to_common_ancestor(self) -> None:
        """Go back to the common ancestor of the node's chain and the indexed one, and fetch anew from there. A node
        whose chain seems to have changed must prove itself first: behind its address another one, on another chain, may
        answer by now."""
        self._writer.drain()
        self._proof.choose(self._tip, anew=True)
        self._roll_back_divergence()
        self._fetch_again()

    def _roll_back_divergence(self) -> None:
        """Roll back to the common ancestor if the node's chain contradicts stored headers, however deep it lies.

        If a finalized block is dropped, an alarm is raised: the data is not served as ready until the head is reached.
        It is dropped only if no node has it: each has to prove itself anew beforehand.
        """
        divergence = self._divergence()
        if divergence is None:
            return
        depth = self._tip.number - divergence.ancestor
        if self._drops_finalized(divergence):
            message = f"a reorg of {depth} blocks down to {divergence.ancestor}, deeper than the expected"
            self._alarms.raise_until_head(AlarmKind.DEEP_REORG, f"{message} {self._chain.reorg_depth}: rewinding")
        self._observer.rolled_back(roll_back(self._claim, divergence.ancestor, divergence.new_hashes))
        self._load_game()

    def _divergence(self) -> Divergence | None:
        if self._tip.hash is None:
            return None
        head = self._source.head or self._tip.number
        return find_divergence(self._connection, self._source.headers, self._tip.number, head)

    def _drops_finalized(self, divergence: Divergence) -> bool:
        return is_finalized(divergence.ancestor + 1, self._tip.number, self._chain.reorg_depth)

    def _check_head(self) -> None:
        """If the node's head stays below the tip, raise an alarm and compare the chains at the heights that both have;
        repeatedly, since a chain that was restarted reaches these heights later."""
        head = self._source.head
        if head is None or not self._node_behind.is_due(head, self._tip.number):
            return
        if AlarmKind.NODE_BEHIND not in self._alarms:
            message = f"the node's head is block {head}, {self._tip.number - head} below the last indexed one"
            self._alarms.raise_until_head(AlarmKind.NODE_BEHIND, f"{message}, for {BEHIND_SECONDS:.0f} s")
        self._return_to_common_ancestor()
