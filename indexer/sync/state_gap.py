"""Find in which of several blocks something changed without a log, where the node has the state of the last one only.

The state after the last block shows what changed. The transactions of the blocks before suggest where, and the blocks'
own figures must follow from it: a reward that is shared after the change is another one than before it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Final

from indexer.domain.chain import Block, SilentChange
from indexer.domain.state import ContractState
from indexer.domain.units import NO_HASH, Hash
from indexer.rules.block import apply_block
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.sync.silent_changes import NOT_SHOWN, BlockInvestigation, StateSource
from indexer.sync.suggested_transactions import Change, suggested_transactions

MOST_SEARCHED: Final = 128
"""Blocks whose transactions are looked through, the newest ones."""
MOST_APPLIED: Final = 20_000
"""Blocks that are applied on trial."""

_Place = tuple[int, int | None, Hash]
"""A block, and the place of a change in it as SilentChange has it."""


class StateGap:
    """The blocks from `first` on, up to the last of `blocks`, after which the contracts' state is `state`.

    `before_first` is the mirror before the first one, and its number; `blocks` are those that hold something of ours,
    and the last; `block` gives any other. `proven` are the silent changes, by block, that the blocks' own transactions
    prove: they are made in any case.
    """

    def __init__(
        self,
        source: StateSource,
        before_first: tuple[Game, int],
        blocks: Sequence[Block],
        state: ContractState,
        block: Callable[[int], Block],
        *,
        proven: Mapping[int, Sequence[SilentChange]],
    ) -> None:
        self._source = source
        self._before, self._first = before_first
        self._last = blocks[-1]
        self._blocks = {block.header.number: block for block in blocks}
        self._state = state
        self._block = block
        self._proven = proven
        for number in sorted(proven.keys() - self._blocks.keys()):
            self._blocks[number] = block(number)
        self._blocks = dict(sorted(self._blocks.items()))

    def silent_changes(self) -> Mapping[int, Sequence[SilentChange]]:
        """The silent changes, by block, with which the rules lead to the state. Those that are not proven: in the last
        block if one of its transactions suggests them, else where an earlier one does, else as late as possible.

        Raises InvariantBroken if there are none.
        """
        number = self._last.header.number
        before, error = self._unchanged()
        proven = self._proven.get(number, ())
        investigation = BlockInvestigation(self._source, before, self._last, self._state, proven=proven)
        in_last = None
        if error is not None:
            investigation.look_for_changes()
        else:
            try:
                in_last = investigation.silent_changes()
            except InvariantBroken as broken:
                error = broken
        if in_last is not None and (number == self._first or all(one.tx_hash != NO_HASH for one in in_last)):
            return {**self._proven, number: in_last}
        found = self._placed(investigation.changes, in_last) if investigation.changes else None
        if found is None:
            assert error is not None
            raise error
        return found

    def _unchanged(self) -> tuple[Game, InvariantBroken | None]:
        """The mirror before the last block, by events alone, or where the rules broke, and how they did."""
        if len(self._blocks) == 1:
            return self._before, None
        game = self._before.copy()
        try:
            for number, block in list(self._blocks.items())[:-1]:
                _apply(game, block, self._proven.get(number, ()))
        except InvariantBroken as error:
            return game, error
        return game, None

    def _placed(
        self, changes: Sequence[Change], in_last: Sequence[SilentChange] | None
    ) -> Mapping[int, Sequence[SilentChange]] | None:
        """The changes in blocks from which the rules lead to the state, None if there are none. `in_last`: the same
        changes in the last block, where they would do too."""
        elsewhere: list[list[_Place]] = (
            [[(number, *NOT_SHOWN) for number in self._ends()]] * len(changes)
            if in_last is None
            else [[(self._last.header.number, one.tx_index, one.tx_hash)] for one in in_last[-len(changes) :]]
        )
        suggested = self._suggested(changes)
        places = [[*suggested[change], *others] for change, others in zip(changes, elsewhere, strict=True)]
        for chosen in islice(product(*places), MOST_APPLIED // len(self._blocks)):
            found = defaultdict[int, list[SilentChange]](
                list, {number: list(proven) for number, proven in self._proven.items()}
            )
            for change, (number, tx_index, tx_hash) in zip(changes, chosen, strict=True):
                found[number].append(SilentChange(tx_index, tx_hash, change))
            if self._leads_to_state(found):
                return found
        return None

    def _leads_to_state(self, changes: Mapping[int, Sequence[SilentChange]]) -> bool:
        game = self._before.copy()
        try:
            for number in sorted(self._blocks.keys() | changes.keys()):
                _apply(game, self._blocks.get(number) or self._block(number), changes.get(number, ()))
        except InvariantBroken:
            return False
        return not game.contract_state().differences(self._state)

    def _suggested(self, changes: Sequence[Change]) -> Mapping[Change, list[_Place]]:
        """The places that transactions before the last block suggest, the latest block first."""
        found: dict[Change, list[_Place]] = {change: [] for change in changes}
        last = self._last.header.number
        for number in range(last - 1, max(self._first, last - MOST_SEARCHED) - 1, -1):
            reference = self._blocks[number].header.hash if number in self._blocks else number
            hints = suggested_transactions(self._source, self._before.ghost_core, reference, changes)
            for change, transactions in hints.items():
                found[change] += ((number, one.tx_index, one.hash) for one in transactions)
        return found

    def _ends(self) -> Iterator[int]:
        """The blocks before the last at whose ends a change is tried, the latest first: those that hold something of
        ours, and the first. Between them no figure changes, so that none shows where it was made."""
        yield from sorted((number for number in self._blocks if number < self._last.header.number), reverse=True)
        if self._first not in self._blocks:
            yield self._first


def _apply(game: Game, block: Block, changes: Sequence[SilentChange] = ()) -> None:
    block.silent_changes = list(changes)
    apply_block(game, block)
