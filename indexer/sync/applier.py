"""Apply fetched ranges by the rules, and hand over what the contracts' own state confirms."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from indexer.base.errors import GhostnetError
from indexer.base.tracing import TRACER
from indexer.chain.blocks import FetchedBlock, FetchedRange
from indexer.chain.errors import Inconsistent
from indexer.chain.source import BlockSource
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Block, Header, SilentChange
from indexer.domain.units import Address, Hash
from indexer.records.rows import Row, up_to
from indexer.rules.block import apply_block
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.sync.block_times import check_times
from indexer.sync.silent_candidates import may_settle
from indexer.sync.silent_change_search import SilentChangeSearch
from indexer.sync.silent_changes import KnownStates, MirrorHistory, UncheckedBlocksBefore
from indexer.sync.spare_game import SpareGame

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AppliedBlocks:
    """Consecutive blocks whose rows can be written: those headers that are known, oldest first, the last one included.

    `parent_hash` is that of the range's first block. `are_checked`: the contracts' state after the last one is that of
    the game, as far as it shows.
    """

    rows: Mapping[type[Row], Sequence[Any]]
    headers: Sequence[Header]
    parent_hash: Hash
    are_checked: bool

    @property
    def last(self) -> Header:
        """The header of the last block."""
        return self.headers[-1]


@dataclass(slots=True)
class _Trial:
    """Blocks applied to a copy of the game, to be compared with the contracts' state; `broken_at` is the one to which
    the rules could not be applied."""

    game: Game
    history: MirrorHistory
    archive: Archive = field(default_factory=Archive)
    broken_at: int | None = None

    def first_difference(self, known: KnownStates, target: int) -> int | None:
        """The block in which the contracts' state begins to differ, up to `target`, whose state is known; None if it is
        the same after that."""
        if self.broken_at is None and self.history.agrees(target, known.states[target]):
            return None
        return known.first_difference(self.history, target if self.broken_at is None else self.broken_at)


class RangeApplier:
    """Applies ranges to `game`.

    After an attempt that went wrong the game is replaced by the `spare` one, where that was kept up, else by what
    `reload` returns, which writes what was handed over, and loads the game anew.
    """

    def __init__(self, source: BlockSource, decoder: LogDecoder, reload: Callable[[], Game]) -> None:
        self._source = source
        self._decoder = decoder
        self._reload = reload
        self.game: Game
        self.time = 0
        """The time of the last block that was handed over, in unix seconds."""
        self._spare = SpareGame(self._apply)

    def start(self, game: Game, time: int) -> None:
        """Go on with a game that was loaded, as after a block of this time, in unix seconds."""
        self.game, self.time = game, time
        self._spare.drop()

    def refresh_spare(self) -> None:
        """Prepare for an attempt that goes wrong, in a moment in which there is nothing to apply."""
        self._spare.refresh_or_create(self.game)

    def apply(self, fetched: FetchedRange, *, follows_unchecked: bool = False) -> Iterator[AppliedBlocks]:
        """Apply a range whose parent is the last applied block; the blocks that are right, to be written.

        Without the contracts' state the rules alone decide, and silent changes are those that the blocks' own
        transactions prove. Raises InvariantBroken or Inconsistent after all before the block at fault was handed over,
        BadBlockTime before anything is. `follows_unchecked`: blocks before the range were not compared with the
        contracts' state, and can be applied anew: UncheckedBlocksBefore is raised where it differs now.
        """
        check_times(fetched, self.time)
        self._spare.refresh()
        game = self.game
        game.has_state_check = fetched.state is not None and not game.quarantined
        game.blocks_to_check.clear()
        archive, error = Archive(), None
        with TRACER.start_as_current_span("apply"):
            at = fetched.first
            try:
                for block in fetched.blocks:
                    at = block.header.number
                    self._apply(game, block, archive, () if game.has_state_check else block.silent_changes)
            except GhostnetError as broken:
                error = broken
        if error is None and self._agrees(fetched) and not self._blocks_to_check(game, fetched):
            applied = self._applied(game, fetched, fetched.last.number, archive, are_checked=game.has_state_check)
            if game.has_state_check:
                self._spare.follow(fetched, applied.rows)
            else:
                self._spare.drop()
            yield applied
        elif game.has_state_check and (error is None or isinstance(error, InvariantBroken)):
            if follows_unchecked:
                raise UncheckedBlocksBefore(f"block {fetched.first} or one before it holds a change that left no log")
            yield from self._find_silent_changes(fetched)
        else:
            assert error is not None
            if at > fetched.first:
                yield self._applied(game, fetched, at - 1, archive, are_checked=False)
            raise error

    def _apply(self, game: Game, fetched: FetchedBlock, archive: Archive, changes: Sequence[SilentChange] = ()) -> None:
        block = decode_block(self._decoder, fetched.header, fetched.transactions, fetched.logs, archive)
        block.silent_changes = list(changes)
        if apply_block(game, block) or fetched.logs:
            archive.add_block(fetched.header)

    def _agrees(self, fetched: FetchedRange) -> bool:
        """Whether the contracts' state after a range, where it is known, is the game's."""
        if fetched.state is None or not self.game.has_state_check:
            return True
        return not self.game.contract_state().differences(fetched.state)

    def _blocks_to_check(self, game: Game, fetched: FetchedRange) -> list[int]:
        """The blocks inside a range after which the state must be read too: a silent change before them may no longer
        be visible in the state at the range's end."""
        if not game.has_state_check:
            return []
        numbers = game.blocks_to_check | set(fetched.blocks_to_check)
        return sorted(number for number in numbers if fetched.first <= number < fetched.last.number)

    def _applied(
        self, game: Game, fetched: FetchedRange, last: int, archive: Archive, *, are_checked: bool = True
    ) -> AppliedBlocks:
        """The blocks up to `last` that were applied since the last call."""
        if last not in fetched.headers:
            fetched.headers[last] = self._header(last)
        headers = [header for number, header in sorted(fetched.headers.items()) if number <= last]
        for header in headers:
            del fetched.headers[header.number]
        self.time = headers[-1].timestamp
        rows = up_to(last, game.journal.take() | archive.rows())
        return AppliedBlocks(rows, headers, fetched.parent_hash, are_checked)

    def _find_silent_changes(self, fetched: FetchedRange) -> Iterator[AppliedBlocks]:
        """Apply a range again from its start, and find the silent changes where the contracts' state differs. Raises
        InvariantBroken."""
        assert fetched.state is not None
        known = KnownStates(self._source, {fetched.last.number: fetched.state}, fetched.headers)
        known.read(self._blocks_to_check(self.game, fetched))
        yield from self._apply_with_known_states(known, fetched)

    def _game_before_attempt(self) -> Game:
        """The game as it was before the last attempt."""
        spare = self._spare.take(self.game)
        if spare is None:
            return self._reload()
        self.game = spare
        return spare

    def _apply_with_known_states(self, known: KnownStates, fetched: FetchedRange) -> Iterator[AppliedBlocks]:
        """Apply the range from one known state to the next; yields the blocks that agree with them."""
        game, done = self._game_before_attempt(), fetched.first - 1
        game.has_state_check = True
        while done < fetched.last.number:
            target = known.next_after(done)
            trial = self._try(game, fetched, done, target)
            inside = self._blocks_to_check(trial.game, fetched)
            if known.read(number for number in inside if done < number < target):
                continue  # the search for the difference would pass over what an event hides from all later states
            differing = trial.first_difference(known, target)
            if differing is not None:
                for applied in self._apply_with_silent_changes(game, fetched, known, done=done, differing=differing):
                    done = applied.last.number
                    yield applied
                continue
            self.game, game, done = trial.game, trial.game, target
            known_headers = [number for number in fetched.headers if number <= target]
            if known_headers:
                yield self._applied(game, fetched, max(known_headers), trial.archive)

    def _try(self, game: Game, fetched: FetchedRange, done: int, target: int) -> _Trial:
        """Apply the blocks after `done` up to `target` to a copy of the game, as far as the rules allow."""
        copy = game.copy()
        trial = _Trial(copy, MirrorHistory(done, copy))
        for block in fetched.between(done, target):
            try:
                self._apply(copy, block, trial.archive)
            except InvariantBroken:
                trial.broken_at = block.header.number
                break
            trial.history.add(block.header.number, copy)
        return trial

    def _apply_with_silent_changes(
        self, game: Game, fetched: FetchedRange, known: KnownStates, *, done: int, differing: int
    ) -> Iterator[AppliedBlocks]:
        """Apply the blocks after `done` up to the one in which the contracts' state differs from the game's, or the
        next one whose state the node has, with the silent changes that explain the difference."""
        is_known = differing in known.states or known.read([differing])
        number = differing if is_known else known.next_after(differing)
        archive = Archive()
        right = known.last_before(number, done)
        for block in fetched.between(done, right):
            self._apply(game, block, archive)
        blocks = [*fetched.between(right, number - 1), self._fetched_block(fetched, number)]
        decoded = [self._decoded(block) for block in blocks]
        search = SilentChangeSearch(
            self._source,
            game,
            right + 1,
            decoded,
            known.states[number],
            block=lambda wanted: self._decoded(self._fetched_block(fetched, wanted)),
            full=self._in_full(right + 1, blocks[-1].header, may_settle(game, decoded)) if number - right > 1 else None,
        )
        try:
            changes = search.silent_changes()
        except InvariantBroken:
            if number - 1 > done and not known.has_gaps:
                yield self._applied(game, fetched, number - 1, archive)
            raise
        for at in sorted({block.header.number for block in blocks} | changes.keys()):
            in_block = changes.get(at, ())
            self._apply(game, self._fetched_block(fetched, at), archive, in_block)
            for silent in in_block:
                logger.info("block %d: %s left no log; the contracts' state shows it", at, silent.change)
        yield self._applied(game, fetched, number, archive)

    def _in_full(self, first: int, last: Header, parties: AbstractSet[Address]) -> FetchedRange:
        """The blocks from `first` on, with what their transactions prove, and hint at."""
        full = self._source.fetch_full(first, last.number, parties)
        if full.last.hash != last.hash:
            raise Inconsistent(f"blocks {first} to {last.number} are of another fork than their logs")
        return full

    def _fetched_block(self, fetched: FetchedRange, number: int) -> FetchedBlock:
        """A block of a range, with or without logs of the contracts."""
        found = fetched.block(number) or FetchedBlock(fetched.headers.get(number) or self._header(number))
        fetched.headers[number] = found.header
        return found

    def _decoded(self, fetched: FetchedBlock) -> Block:
        return decode_block(self._decoder, fetched.header, fetched.transactions, fetched.logs, Archive())

    def _header(self, number: int) -> Header:
        (header,) = self._source.headers([number])
        if header is None:
            raise Inconsistent(f"the node does not know block {number} any more")
        return header
