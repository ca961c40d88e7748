"""Find the silent changes in some blocks, and their places, by the contracts' state after the last of them.

The state shows what changed. Transactions suggest where, and the figures in the blocks' events must be consistent with
it: a reward shared after a change differs from one shared before it, and a claim that paid nothing had nothing to pay.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import inf
from typing import Final

from indexer.chain.blocks import FetchedRange
from indexer.domain.chain import Block, ConfigChange, SilentChange
from indexer.domain.state import ContractState
from indexer.domain.units import NO_HASH, Hash
from indexer.rules.block import apply_block
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.rules.witness import CachingWitness
from indexer.sync.silent_candidates import Candidate, Stakes, config_changes, nested_configs
from indexer.sync.silent_changes import StateMismatch, StateSource
from indexer.sync.suggested_transactions import Change, Hint, suggested_among, suggested_transactions

MAX_SEARCHED: Final = 1_000
"""The number of newest blocks whose transactions are searched."""
MAX_APPLIED_BLOCKS: Final = 50_000
"""Blocks that are applied on trial."""
_COUNTS: Final = ((1, 0), (0, 1), (2, 0), (3, 0), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3))
"""Of how many changes the places are changed together: to those that a transaction suggests, and to others."""

Changes = Mapping[int, Sequence[SilentChange]]
"""Silent changes by block, each block's in the order in which they are applied."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a change may have been made, as SilentChange has it; `hint` is None where no transaction suggests it."""

    block: int
    tx_index: int | None = None
    tx_hash: Hash = NO_HASH
    hint: Hint | None = None


_Reach = tuple[int, float]
"""The block in which the rules fail, with minus infinity; else the last one, with minus the number of figures that
differ after it. The larger, the better."""
_Options = Sequence[_Place | None]
"""The places of a candidate, the likeliest first; None where it need not have been made."""


class SilentChangeSearch:
    """Searches blocks `first` to the last of `blocks` for silent changes that lead from the mirror to `state`.

    `before` is the mirror before block `first`; `blocks` are those with logs of the contracts, and the last; `block`
    gives any other. `full` are several blocks in full: the silent changes that their transactions prove are made in any
    case, and the hinting ones suggest where others were; those of one block alone are asked for.
    """

    def __init__(
        self,
        source: StateSource,
        before: Game,
        first: int,
        blocks: Sequence[Block],
        state: ContractState,
        *,
        block: Callable[[int], Block],
        full: FetchedRange | None,
    ) -> None:
        self._source = source
        self._first = first
        self._before = before.copy()
        self._before.witness = CachingWitness(self._before.witness)
        self._last = blocks[-1].header.number
        self._state = state
        in_full = full.blocks if full is not None else ()
        self._proven: Changes = {block.header.number: block.silent_changes for block in in_full if block.silent_changes}
        self._hinting = {block.header.number: block.hinting for block in in_full if block.hinting}
        self._is_in_full = full is not None
        self._known = {block.header.number: block for block in blocks}
        self._fetch_block = block
        self._ours = sorted(self._known.keys() | self._proven.keys())
        """The blocks in which something happens whatever is found, and the last one."""

    def silent_changes(self) -> Changes:
        """The silent changes, by block, with which the rules lead to the state.

        Raises StateMismatch, or the rules' own InvariantBroken, if there are none.
        """
        _, reached = self._reached(self._proven)
        if self._is_right(reached):
            return self._proven
        stakes = Stakes(self._before, self._first, [self._block(number) for number in self._ours], self._proven)
        shown = [
            *config_changes(self._before, self._proven, self._state, self._first, self._last),
            *stakes.shown_settlements(self._source, self._levels_to_look_at(reached)),
        ]
        settled, configs = stakes.settled_by_events, list(nested_configs(self._before.ghost_core, self._hinting))
        for hidden in dict.fromkeys(map(tuple, ((), settled, configs, [*settled, *configs]))):
            candidates = [*shown, *hidden]
            if candidates and (found := self._placed(candidates)) is not None:
                return found
        if isinstance(reached, InvariantBroken):
            raise reached
        figures = "; ".join(map(str, reached.differences(self._state)[:3]))
        raise StateMismatch(f"block {self._last}: {figures}")

    def _reached(self, changes: Changes) -> tuple[int, ContractState | InvariantBroken]:
        """The mirror's state after the last block, these changes made, or how the rules broke before; and in which
        block."""
        game = self._before.copy()
        for number in sorted(changes.keys() | self._ours):
            block = self._block(number)
            block.silent_changes = list(changes.get(number, ()))
            try:
                apply_block(game, block)
            except InvariantBroken as error:
                return number, error
        return self._last, game.contract_state()

    def _is_right(self, reached: ContractState | InvariantBroken) -> bool:
        return isinstance(reached, ContractState) and not reached.differences(self._state)

    def _levels_to_look_at(self, reached: ContractState | InvariantBroken) -> set[int]:
        """The levels on which somebody may have settled: those whose stake differs, where that is known."""
        return {
            level
            for level, figures in self._state.levels.items()
            if isinstance(reached, InvariantBroken) or reached.levels[level].total_staked != figures.total_staked
        }

    def _placed(self, candidates: Sequence[Candidate]) -> Changes | None:
        """The changes at places from which the rules lead to the state, None if there are none.

        As long as the rules break in some block, or the figures after the last one differ, those places are changed
        that matter until there, as few as possible, so that they break later.
        """
        suggested = self._suggested(candidates)
        options = [self._options(candidate, suggested[candidate.change]) for candidate in candidates]
        chosen: _Options = [places[0] for places in options]
        found = self._searched(candidates, options, chosen, MAX_APPLIED_BLOCKS // len(self._ours))
        return None if found is None else self._changes(candidates, self._as_known(candidates, options, found))

    def _searched(
        self, candidates: Sequence[Candidate], options: Sequence[_Options], chosen: _Options, trials: int
    ) -> _Options | None:
        """The places from which the rules lead to the state, from these on, within so many trials. What follows from
        one of them gets half of the trials that are left: it may be a wrong one, though the rules break later by it."""
        reach = self._reach(candidates, chosen)
        if reach == self._goal:
            return chosen
        for trial in _alternatives(options, chosen, reach[0]):
            if trials <= 0:
                return None
            trials -= 1
            if self._reach(candidates, trial) > reach:
                trials //= 2
                if (found := self._searched(candidates, options, trial, trials)) is not None:
                    return found
        return None

    @property
    def _goal(self) -> _Reach:
        return self._last, 0

    def _reach(self, candidates: Sequence[Candidate], chosen: _Options) -> _Reach:
        """How far the rules lead with changes at these places."""
        number, reached = self._reached(self._changes(candidates, chosen))
        return number, -inf if isinstance(reached, InvariantBroken) else -len(reached.differences(self._state))

    def _changes(self, candidates: Sequence[Candidate], chosen: _Options) -> Changes:
        """The proven changes, and these at their places."""
        found = defaultdict[int, list[SilentChange]](
            list, {number: list(proven) for number, proven in self._proven.items()}
        )
        for candidate, place in zip(candidates, chosen, strict=True):
            if place is not None:
                found[place.block].append(SilentChange(place.tx_index, place.tx_hash, candidate.change))
        return found

    def _as_known(
        self, candidates: Sequence[Candidate], options: Sequence[_Options], chosen: _Options
    ) -> list[_Place | None]:
        """The same places without their transactions where another one, no less likely, would do as well."""
        places = list(chosen)
        for index, place in enumerate(chosen):
            if place is None or place.hint not in (Hint.WALLET_WITHOUT_LOGS, Hint.WEAK):
                continue
            rivals = [other for other in options[index] if other and other != place and _is_as_likely(other, place)]
            trials = ([*chosen[:index], other, *chosen[index + 1 :]] for other in rivals)
            if any(self._reach(candidates, trial) == self._goal for trial in trials):
                places[index] = replace(place, tx_hash=NO_HASH)
        return places

    def _options(self, candidate: Candidate, suggested: Sequence[_Place]) -> _Options:
        calls = [place for place in suggested if place.hint in (Hint.CALL, Hint.NESTED_CALL)]
        rest: Sequence[_Place] = suggested[len(calls) :]
        places: list[_Place | None] = [*calls, *rest, *self._elsewhere()]
        if not candidate.is_shown:
            places = [None, *calls] if isinstance(candidate.change, ConfigChange) else [*calls, None, *rest]
        return [place for place in places if place is None or candidate.since <= place.block <= candidate.until]

    def _elsewhere(self) -> Iterator[_Place]:
        """Places that no transaction suggests, the latest first: in the last block its end, and before the logs of each
        of its transactions; then the ends of the first block and of the blocks before with logs of the contracts.
        Between these no figure changes that could show where a change was made."""
        yield _Place(self._last)
        yield from (
            _Place(self._last, index) for index in sorted({log.tx_index for log in self._block(self._last).logs})[::-1]
        )
        ends = {self._first, *self._ours} - {self._last}
        yield from map(_Place, sorted(ends, reverse=True))

    def _suggested(self, candidates: Sequence[Candidate]) -> Mapping[Change, Sequence[_Place]]:
        """The places that transactions suggest, the likeliest first. A penalty is settled by the first of several
        calls, a configuration that stays is made in the last block with one."""
        found: dict[Change, list[_Place]] = {candidate.change: [] for candidate in candidates}
        since = min(candidate.since for candidate in candidates)
        for number in range(max(since, self._last - MAX_SEARCHED), self._last + 1):
            known = self._known.get(number)
            with_logs = {log.tx_hash for log in known.logs} if known else set[Hash]()
            reference = known.header.hash if known else number
            ghost_core, changes = self._before.ghost_core, list(found)
            if self._is_in_full:
                hints = suggested_among(self._hinting.get(number, ()), ghost_core, changes, with_logs)
            else:
                hints = suggested_transactions(self._source, ghost_core, reference, changes, with_logs)
            for change, suggestions in hints.items():
                found[change] += (
                    _Place(number, transaction.tx_index, transaction.hash, hint) for hint, transaction in suggestions
                )
        for change, places in found.items():
            places.sort(key=lambda place, change=change: (place.hint, _order(change, place)))  # type: ignore[misc]
        return found

    def _block(self, number: int) -> Block:
        if number not in self._known:
            self._known[number] = self._fetch_block(number)
        return self._known[number]


def _is_as_likely(other: _Place, place: _Place) -> bool:
    """Whether a suggested place is not preferred to another one: that the player did something else in a block is no
    reason to prefer it to other blocks."""
    is_elsewhere = other.hint is None and other.block != place.block
    return other.hint is place.hint or (place.hint is Hint.WEAK and is_elsewhere)


def _order(change: Change, place: _Place) -> tuple[int, int]:
    """The key to sort places by: the first ones first, for a configuration those of the last block."""
    return -place.block if isinstance(change, ConfigChange) else place.block, place.tx_index or 0


def _alternatives(options: Sequence[_Options], chosen: _Options, reach: int) -> Iterator[_Options]:
    """The choices in which some candidates have other places, as far as these matter up to the block `reach`: one
    candidate, then several at once, those places first that a transaction suggests."""
    moves = [
        (index, place)
        for index, places in enumerate(options)
        for place in places
        if place != chosen[index] and min(_block(place), _block(chosen[index])) <= reach
    ]
    elsewhere = [move for move in moves if move[1] is not None and move[1].hint is None]
    hinted = [move for move in moves if move not in elsewhere]
    for count, count_elsewhere in _COUNTS:
        for some, others in product(combinations(hinted, count), combinations(elsewhere, count_elsewhere)):
            moved = dict([*some, *others])
            if len(moved) == count + count_elsewhere:
                yield [moved.get(index, place) for index, place in enumerate(chosen)]


def _block(place: _Place | None) -> float:
    return inf if place is None else place.block
