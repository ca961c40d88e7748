"""Betting rounds, bets and their payouts, as the DeadPool contract computes them."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from indexer.domain.units import BPS, Address

RAKE_BPS: Final = 500
"""Share of a round's pot that is burned when the round is resolved, in basis points."""


class RoundType(IntEnum):
    """What a betting round is about (DeadPool's `RoundType`)."""

    DEATH_COUNT = 0
    WHALE_DEATH = 1
    STREAK_RECORD = 2
    SYSTEM_RESET = 3

    @property
    def word(self) -> str:
        """The type as answers name it: `death_count`."""
        return self.name.lower()


RoundTypeName = Literal["death_count", "whale_death", "streak_record", "system_reset"]
"""The words of RoundType."""
Side = Literal["over", "under"]


def round_word(number: int) -> str:
    """A RoundType as events name it; `unknown` where the contract has no name for it."""
    return RoundType(number).word if number in set(RoundType) else "unknown"


def side_of(is_over: bool) -> str:
    """The side of a bet or an outcome as answers name it."""
    return "over" if is_over else "under"


@dataclass(slots=True)
class Round:
    """A betting round (`DeadPool.getRound`).

    Pools in wei, times in unix seconds. `line` is the number that is bet over or under, in the unit of the round's
    type; it may be 2²⁵⁶−1 and `deadline` 2⁶⁴−1. `target_level` is 0 where the round concerns no single level.
    """

    round_id: int
    round_type: int
    target_level: int
    line: int
    deadline: int
    over_pool: int = 0
    under_pool: int = 0
    resolve_time: int = 0
    resolved: bool = False
    outcome: bool = False

    @property
    def pot(self) -> int:
        """All bets of both sides, in wei."""
        return self.over_pool + self.under_pool

    @property
    def winning_pool(self) -> int:
        """The bets of the side that `outcome` names, in wei; meaningful once the round is resolved."""
        return self.over_pool if self.outcome else self.under_pool


@dataclass(slots=True)
class Bet:
    """One user's bet in one round (`DeadPool.getBet`); `amount` in wei, all increments included."""

    round_id: int
    address: Address
    is_over: bool
    amount: int = 0
    claimed: bool = False


def rake(pot: int) -> int:
    """The part of a pot that is burned at resolution, in wei, floored."""
    return pot * RAKE_BPS // BPS


def payout(bet_amount: int, pot: int, winning_pool: int) -> int:
    """What a winning bet pays, in wei, floored; `winning_pool` must not be 0."""
    return bet_amount * (pot - rake(pot)) // winning_pool


def odds_bps(pot: int, pool: int) -> int:
    """Payout per unit that is bet on a side, in basis points, after the rake; 0 for a side without bets."""
    return (pot - rake(pot)) * BPS // pool if pool else 0
