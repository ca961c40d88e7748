"""Find what the contracts changed without a log: which block, which change, at which transaction.

A range of blocks after which the mirror differs from the contracts' state holds such a change: a level's configuration,
or a reset's penalty that a claim of nothing settled (rules 8 and 9). The first block after which they differ is found
by bisection; that block alone is fetched with all its transactions. Calldata only suggests which transaction it was:
what is applied is what the state proves, at a place that leads to the block's own figures.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Final, Protocol

from indexer.chain.places import Place
from indexer.domain.chain import Block, ConfigChange, Header, Settlement, SilentChange
from indexer.domain.positions import Position, effective_amount, owed_penalty
from indexer.domain.state import ContractState, Difference
from indexer.domain.units import NO_HASH, Address, Hash
from indexer.rules.block import apply_block
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.sync.suggested_transactions import Change, TransactionSource, suggested_transactions

MOST_PLACEMENTS: Final = 4_000
"""Places of a block's silent changes that are tried."""
NEAR_BLOCKS: Final = 2
"""Blocks on each side of one without state that are tried in its place."""
NOT_SHOWN: Final[tuple[int | None, Hash]] = (None, NO_HASH)
"""The place of a change that no transaction suggests: the end of the block."""

_Place = tuple[int | None, Hash]
"""The transaction before whose logs a change is applied (None: the end of the block), and the one that made it."""


class StateMismatch(InvariantBroken):
    """The contracts' state is not what the rules make of the events, and no silent change explains it."""

    help = (
        "Everything before that block is written, nothing of it. Check by `manage.py refetch_blocks FROM` "
        "that no logs were left out in earlier blocks, and that "
        "GHOSTNET_DEPLOYMENT names the right contracts; then report the figures named above."
    )


class DiffersBefore(StateMismatch):
    """The contracts' state differs, and blocks before were not compared: the change may lie in any of them."""


class StateSource(TransactionSource, Protocol):
    """What is asked of a node; None where it does not have the contracts' state after that block."""

    def state(self, block: Place) -> ContractState | None: ...

    def stakes(self, users: Sequence[Address], block: Place) -> list[int] | None: ...


class MirrorHistory:
    """The mirror's state after block `start` and after each block that was applied since."""

    def __init__(self, start: int, game: Game) -> None:
        self.start = start
        self._states: dict[int, ContractState] = {}
        self.add(start, game)

    def add(self, number: int, game: Game) -> None:
        """A block was applied."""
        self._states[number] = game.contract_state()

    def agrees(self, number: int, state: ContractState) -> bool:
        """Whether the mirror after a block, which is that after the last applied block up to it, is the contracts'."""
        ours = self._states[max(applied for applied in self._states if applied <= number)]
        return not ours.differences(state)


class KnownStates:
    """The contracts' states inside a range, as far as they were read, by block number.

    They are read by the blocks' hashes where `headers` has them, as it does near the head, else by their numbers.
    """

    def __init__(self, source: StateSource, states: dict[int, ContractState], headers: Mapping[int, Header]) -> None:
        self._source = source
        self._headers = dict(headers)
        self._asked = set(states)
        self.states = states
        self.has_gaps = False
        """Whether the node lacked the state after a block that was asked for."""

    def read(self, numbers: Iterable[int]) -> bool:
        """Read the states after some blocks, those once more not that were asked for before; whether any is new."""
        new = [number for number in numbers if number not in self._asked]
        for number in new:
            self._asked.add(number)
            if (state := self._source.state(self._headers.get(number, number))) is not None:
                self.states[number] = state
            else:
                self.has_gaps = True
        return any(number in self.states for number in new)

    def last_before(self, number: int, done: int) -> int:
        """The last block before another one whose state is known, `done` if there is none after that."""
        return max((known for known in self.states if done < known < number), default=done)

    def next_after(self, number: int) -> int:
        """The next block whose state is known; there is one."""
        return min(known for known in self.states if known > number)

    def first_difference(self, mirror: MirrorHistory, last: int) -> int:
        """The first block above `mirror.start`, at most `last`, after which the mirror differs from the contracts.

        The mirror is right at its start and wrong at `last`, or could not be brought there. Where the node lacks the
        state of several blocks in a row, they count as right.
        """
        right, wrong = mirror.start, last
        while wrong - right > 1:
            middle = self._known_near((right + wrong) // 2, right, wrong)
            state = self.states.get(middle)
            if state is not None and not mirror.agrees(middle, state):
                wrong = middle
            else:
                right = middle
        return wrong

    def _known_near(self, middle: int, right: int, wrong: int) -> int:
        """The block nearest to the middle, between two others, whose state can be read; the middle if there is none."""
        near = (middle + distance for step in range(NEAR_BLOCKS + 1) for distance in dict.fromkeys((step, -step)))
        for number in near:
            if right < number < wrong:
                self.read([number])
                if number in self.states:
                    return number
        return middle


class BlockInvestigation:
    """One block in which the contracts' state changed without a log; `before` is the mirror at the block before.

    `state` is the contracts' after it; `proven` are silent changes of the block that are certain.
    """

    def __init__(
        self,
        source: StateSource,
        before: Game,
        block: Block,
        state: ContractState,
        *,
        proven: Sequence[SilentChange] = (),
    ) -> None:
        self._source = source
        self._before = before
        self._block = block
        self._state = state
        self._proven = list(proven)
        self.changes: list[Change] = []
        """What the state shows to have changed in silence beside what is proven, once it was looked for."""

    def silent_changes(self) -> list[SilentChange]:
        """The silent changes, the proven ones included, with which the rules lead to the contracts' state.

        Raises StateMismatch, or the rules' own InvariantBroken, if there are none.
        """
        after, differences, error = self._attempt([])
        if error is None and not differences:
            return self._proven
        self.look_for_changes(after)
        if self.changes:
            for placed in islice(self._placements(self.changes), MOST_PLACEMENTS):
                _, remaining, broken = self._attempt(placed)
                if broken is None and not remaining:
                    return [*self._proven, *placed]
        if error is not None:
            raise error
        figures = "; ".join(map(str, differences[:3]))
        raise StateMismatch(f"block {self._block.header.number}: {figures}")

    def look_for_changes(self, after: Game | None = None) -> None:
        """Find what the state shows to have changed in silence; `after` is the mirror after the block by its events
        alone, None where the rules broke before."""
        self.changes = [*self._config_changes(after or self._before), *self._settlements(after)]

    def _attempt(self, changes: list[SilentChange]) -> tuple[Game | None, list[Difference], InvariantBroken | None]:
        """Apply the block with these changes to a copy of the mirror; what then differs, or what broke."""
        game = self._before.copy()
        self._block.silent_changes = [*self._proven, *changes]
        try:
            apply_block(game, self._block)
        except InvariantBroken as error:
            return None, [], error
        return game, game.contract_state().differences(self._state), None

    def _config_changes(self, mirror: Game) -> Iterator[ConfigChange]:
        for level_id, level in sorted(mirror.levels.items()):
            if level.config != self._state.configs[level_id]:
                yield ConfigChange(level_id, self._state.configs[level_id])

    def _settlements(self, after: Game | None) -> list[Settlement]:
        """Players whose stake the contracts hold settled though no event says so, maybe after a reset in this block."""
        epoch = self._state.reset.epoch
        owing = [position for position in self._before.positions.values() if owed_penalty(position, epoch)]
        if after is not None:
            owing = [
                position
                for position in owing
                if after.levels[position.level].total_staked != self._state.levels[position.level].total_staked
            ]
        owing.sort(key=lambda position: position.address)
        stakes = self._source.stakes([position.address for position in owing], self._block.header) if owing else []
        if stakes is None:
            return []
        return [
            Settlement(position.address)
            for position, stake in zip(owing, stakes, strict=True)
            if stake == effective_amount(position, epoch) and stake != _amount(after, position)
        ]

    def _placements(self, changes: Sequence[Change]) -> Iterator[list[SilentChange]]:
        """Every way to place the changes in the block: the places that transactions suggest come first."""
        suggested = suggested_transactions(self._source, self._before.ghost_core, self._block.header.hash, changes)
        with_logs = sorted({log.tx_index for log in self._block.logs}, reverse=True)
        elsewhere: list[_Place] = [NOT_SHOWN, *((index, NO_HASH) for index in with_logs)]
        places = [
            [*((hint.tx_index, hint.hash) for hint in hints), *elsewhere]
            for hints in map(suggested.__getitem__, changes)
        ]
        for chosen in product(*places):
            yield [
                SilentChange(tx_index, tx_hash, change)
                for change, (tx_index, tx_hash) in zip(changes, chosen, strict=True)
            ]


def _amount(after: Game | None, position: Position) -> int:
    """A player's raw stake in wei by events alone; where the rules broke, the one before the block."""
    if after is None:
        return position.amount
    found = after.positions.get(position.address)
    return found.amount if found is not None else 0
