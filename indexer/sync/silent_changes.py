"""Find the first block after which the contracts' state differs from the mirror's, because of a silent change in it.

Such a change is a level's new configuration, or a reset's penalty settled by a claim of nothing (rules 8 and 9). The
block is found by bisection; `silent_change_search` then finds the change.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from indexer.chain.block_reference import BlockReference
from indexer.domain.chain import Header
from indexer.domain.state import ContractState
from indexer.domain.units import Address
from indexer.rules.errors import InvariantBroken
from indexer.rules.game import Game
from indexer.sync.suggested_transactions import TransactionSource

NEAR_BLOCKS: Final = 2
"""Blocks on each side of one without state that are tried in its place."""


class StateMismatch(InvariantBroken):
    """The contracts' state differs from the result of the rules, and no silent change explains it."""

    help = (
        "Everything before that block is written, nothing of it. Check by `manage.py refetch_blocks FROM` "
        "that no logs were left out in earlier blocks, and that "
        "GHOSTNET_DEPLOYMENT names the right contracts; then report the figures named above."
    )


class UncheckedBlocksBefore(StateMismatch):
    """The contracts' state differs, and blocks before were not compared: the change may lie in any of them."""


class StateSource(TransactionSource, Protocol):
    """The queries that are made; each returns None where the node does not have the contracts' state after a block."""

    def state(self, block: BlockReference) -> ContractState | None: ...

    def stakes(self, users: Sequence[Address], block: BlockReference) -> list[int] | None: ...


class MirrorHistory:
    """The mirror's state after block `start` and after each block that was applied since."""

    def __init__(self, start: int, game: Game) -> None:
        self.start = start
        self._states: dict[int, ContractState] = {}
        self.add(start, game)

    def add(self, number: int, game: Game) -> None:
        """Add the mirror's state after a block that was applied."""
        self._states[number] = game.contract_state()

    def agrees(self, number: int, state: ContractState) -> bool:
        """Whether the contracts' state after a block equals the mirror's after the last applied block up to it."""
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
        """Read the states after some blocks, except those that were requested before; return whether any is new."""
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
