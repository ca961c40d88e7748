"""Penalties settled without a trace: a claim of nothing through a contract wallet that shows neither log nor calldata.

The next system reset tells that it happened: its penalty is a quarter of all stake, and so shows by how much the
stakes that we hold are too high (rule 9).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb
from typing import Final

from indexer.domain.game import Game
from indexer.domain.positions import RESET_PENALTY_BPS, Action, Position, effective_amount
from indexer.domain.units import BPS

_MOST_TOGETHER: Final = 4
_MOST_SELECTIONS: Final = 2_000_000
_ROUNDING: Final = BPS // RESET_PENALTY_BPS
"""So many stakes in wei give the same penalty, which is floored."""


def settle_hidden(game: Game, total_penalty: int) -> None:
    """Before a reset of `total_penalty` wei: settle who must have settled unseen, if the stakes don't add up.

    Who it was is told by the sum of their penalties, if only one selection of players has it, else by the node's state.
    If neither tells, nothing is settled, and the reset's own check will name the difference.
    """
    excess = game.total_value_locked - total_penalty * _ROUNDING
    if excess < _ROUNDING:
        return
    owing = [position for position in game.positions.values() if _owes(game, position)]
    owing.sort(key=lambda position: position.address)
    fitting = list(islice(_selections(game, owing, excess), 2))
    settled = fitting[0] if len(fitting) == 1 else _by_state(game, owing)
    for position in settled:
        penalty = game.settle(position)
        game.journal.position(position, Action.PENALTY_SETTLED, amount_change=-penalty, penalty=penalty)


def _owes(game: Game, position: Position) -> bool:
    return position.alive and position.epoch < game.reset.epoch


def _penalty(game: Game, position: Position) -> int:
    return position.amount - effective_amount(position, game.reset.epoch)


def _selections(game: Game, owing: Sequence[Position], excess: int) -> Iterator[Sequence[Position]]:
    """The selections of players whose penalties explain the excess, the smallest ones first."""
    penalties = [(_penalty(game, position), position) for position in owing]
    for size in range(1, _MOST_TOGETHER + 1):
        if comb(len(owing), size) > _MOST_SELECTIONS:
            return
        for selection in combinations(penalties, size):
            if 0 <= excess - sum(penalty for penalty, _ in selection) < _ROUNDING:
                yield [position for _, position in selection]


def _by_state(game: Game, owing: Sequence[Position]) -> Sequence[Position]:
    number = game.journal.block_number
    return [
        position
        for position in owing
        if game.witness.stake(position.address, number) == effective_amount(position, game.reset.epoch)
    ]
