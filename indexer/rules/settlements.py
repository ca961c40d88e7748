"""Settle the penalty of a system reset (rule 8): silently, or with an event (rule 9).

Silent settlements are found by the contracts' state (`indexer/sync/silent_changes.py`). Where a node does not have that
state, the next system reset shows them: its penalty is a quarter of all stake, and so shows by how much the stakes of
the mirror are too high. This module then infers which players settled.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb
from typing import Final

from indexer.domain.positions import (
    RESET_PENALTY_BPS,
    Action,
    Position,
    effective_amount,
    owed_penalty,
    pending_rewards,
)
from indexer.domain.units import BPS, Address
from indexer.rules.game import Game

_MAX_SETTLEMENTS: Final = 4
_MAX_SELECTIONS: Final = 2_000_000
_ROUNDING: Final = BPS // RESET_PENALTY_BPS
"""The number of consecutive stakes in wei that have the same penalty, which is floored."""


def settle_silently(game: Game, user: Address) -> bool:
    """`claimRewards` with nothing pending: no log, but the penalty is settled (rule 9); return whether one was owed.

    Raises InvariantBroken if something was pending and the result is compared with the contracts' state: the claim
    would have paid it, and so must have been made at another place.
    """
    position = game.positions.get(user)
    if position is None or not position.alive or game.paused or position.epoch >= game.reset.epoch:
        return False
    penalty = game.settle(position)
    if game.has_state_check:
        pending = pending_rewards(position, game.levels[position.level])
        game.expect(f"rewards of {user}'s claim without a log", 0, pending)
    game.journal.position(position, Action.PENALTY_SETTLED, amount_change=-penalty, penalty=penalty)
    return True


def settle_as_shown(game: Game, position: Position, settled_amount: int) -> int:
    """Settle a position to the amount that an event reports; return the penalty in wei.

    A claim through a contract wallet can settle without leaving a trace. If that happened before the last reset, the
    event shows the penalty taken more than once.
    """
    before = position.amount
    missed_epochs = game.reset.epoch - position.epoch
    if game.settle(position):
        game.check_state_before_block()
    for _ in range(0 if game.has_state_check else missed_epochs - 1):
        if position.amount <= settled_amount:
            break
        position.epoch = game.reset.epoch - 1
        game.settle(position)
    game.expect(f"settled stake of {position.address}", position.amount, settled_amount)
    return before - position.amount


def settle_hidden(game: Game, total_penalty: int) -> None:
    """Settle positions that must have been settled unseen before a reset of `total_penalty` wei.

    There are some if the stakes don't add up. Which ones follows from the sum of their penalties, if only one selection
    of players has it, else from the node's state. If neither shows it, nothing is settled, and the reset's own check
    raises InvariantBroken with the difference.
    """
    excess = game.total_value_locked - total_penalty * _ROUNDING
    if excess < _ROUNDING or game.has_state_check:
        return
    owing = [position for position in game.positions.values() if owed_penalty(position, game.reset.epoch)]
    owing.sort(key=lambda position: position.address)
    fitting = list(islice(_selections(game, owing, excess), 2))
    settled = fitting[0] if len(fitting) == 1 else _by_state(game, owing)
    for position in settled:
        penalty = game.settle(position)
        game.journal.position(position, Action.PENALTY_SETTLED, amount_change=-penalty, penalty=penalty)


def _selections(game: Game, owing: Sequence[Position], excess: int) -> Iterator[Sequence[Position]]:
    """The selections of players whose penalties explain the excess, the smallest ones first."""
    penalties = [(owed_penalty(position, game.reset.epoch), position) for position in owing]
    for size in range(1, _MAX_SETTLEMENTS + 1):
        if comb(len(owing), size) > _MAX_SELECTIONS:
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
