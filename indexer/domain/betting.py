"""DeadPool's rounds and bets."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from indexer.domain.units import BPS, Address

RAKE_BPS: Final = 500


class RoundType(IntEnum):
    """DeadPool's `RoundType`."""

    DEATH_COUNT = 0
    WHALE_DEATH = 1
    STREAK_RECORD = 2
    SYSTEM_RESET = 3


@dataclass(slots=True)
class Round:
    """`DeadPool.getRound`; pools and line in wei or units of the type, times in unix seconds."""

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
        return self.over_pool + self.under_pool

    @property
    def winning_pool(self) -> int:
        return self.over_pool if self.outcome else self.under_pool


@dataclass(slots=True)
class Bet:
    """`DeadPool.getBet` of one user in one round; amount in wei."""

    round_id: int
    address: Address
    is_over: bool
    amount: int = 0
    claimed: bool = False


def rake(pot: int) -> int:
    """What DeadPool burns of a pot, in wei."""
    return pot * RAKE_BPS // BPS


def payout(bet_amount: int, pot: int, winning_pool: int) -> int:
    """What a winning bet pays, in wei."""
    return bet_amount * (pot - rake(pot)) // winning_pool


def odds_bps(pot: int, pool: int) -> int:
    """Payout per staked unit of a side in bps after the rake; 0 for an empty side."""
    return (pot - rake(pot)) * BPS // pool if pool else 0
