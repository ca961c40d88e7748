"""A player's position and boosts, and the values that GhostCore computes from them when it is asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Literal

from indexer.domain.levels import Level
from indexer.domain.units import BPS, PRECISION, Address

RESET_PENALTY_BPS: Final = 2_500
"""Share of a stake that its first settlement after a system reset takes, in basis points (rule 8)."""
RESET_BURN_BPS: Final = 3_000
"""Share of a reset's total penalty that is burned, in basis points (rule 10)."""
JACKPOT_BPS: Final = 5_000
"""Share of a reset's total penalty that is its jackpot, in basis points (rule 10)."""
CULLING_BURN_BPS: Final = 3_000
"""Share of a culling's penalty that is burned, in basis points (rule 7)."""


class Status(StrEnum):
    """Whether a position is alive, and if not, how it ended."""

    ALIVE = "alive"
    TRACED = "traced"
    CULLED = "culled"
    EXTRACTED = "extracted"


class Action(StrEnum):
    """The kind of a change of a position."""

    JACKED_IN = "jacked_in"
    STAKE_ADDED = "stake_added"
    REWARDS_CLAIMED = "rewards_claimed"
    PENALTY_SETTLED = "penalty_settled"
    EXTRACTED = "extracted"
    EMERGENCY_WITHDRAWN = "emergency_withdrawn"
    TRACED = "traced"
    CULLED = "culled"
    LEFT_ROSTER = "left_roster"


class BoostType(IntEnum):
    """What a boost changes (GhostCore's `BoostType`)."""

    DEATH_REDUCTION = 0
    YIELD_MULTIPLIER = 1


BoostName = Literal["death_reduction", "yield_multiplier", "unknown"]
"""What `boost_word` returns."""


def boost_word(number: int) -> str:
    """A BoostType as answers name it: `death_reduction`; `unknown` where the contract has no name for it."""
    return BoostType(number).name.lower() if number in set(BoostType) else "unknown"


@dataclass(frozen=True, slots=True)
class Boost:
    """One applied boost (`GhostCore.getActiveBoosts`); `expiry` in unix seconds, up to 2⁶⁴−1."""

    boost_type: int
    value_bps: int
    expiry: int

    @property
    def type_name(self) -> str:
        """Its type as answers name it."""
        return boost_word(self.boost_type)


@dataclass(slots=True)
class Position:
    """A player's position, with the raw amounts that GhostCore stores (`getPosition`).

    `amount` and `reward_debt` in wei, times in unix seconds. `epoch` is the reset epoch up to which penalties are
    settled (rule 8). `on_roster` says whether the user is in the level's array: while it is, the ghost streak is the
    level's survived scans since `streak_base`; after that, `streak_base` is the streak itself (`ghost_streak`).
    """

    address: Address
    amount: int
    level: int
    status: Status
    entry_time: int
    last_add_time: int
    reward_debt: int
    epoch: int
    streak_base: int
    on_roster: bool

    @property
    def alive(self) -> bool:
        """Whether the player is in the game (`GhostCore.isAlive`)."""
        return self.status is Status.ALIVE


def ghost_streak(position: Position, level: Level) -> int:
    """How many scans a player has survived in a row (`ghostStreak` of `GhostCore.getPosition`), given its level."""
    if position.on_roster:
        return level.survived_scans - position.streak_base
    return position.streak_base


def reset_penalty(amount: int) -> int:
    """What a settlement takes of a stake in wei (rule 8)."""
    return amount * RESET_PENALTY_BPS // BPS


def owed_penalty(position: Position, current_epoch: int) -> int:
    """The reset penalty in wei that a position still owes: taken once, however many resets went by (rule 8)."""
    if position.alive and position.epoch < current_epoch:
        return reset_penalty(position.amount)
    return 0


def effective_amount(position: Position, current_epoch: int) -> int:
    """The stake in wei that the next settlement leaves: without the reset penalty that is still owed (rule 8)."""
    return position.amount - owed_penalty(position, current_epoch)


def accrued(amount: int, acc_rewards_per_share: int) -> int:
    """A stake's share of all rewards of its level so far, in wei, floored: its `reward_debt` if it entered now."""
    return amount * acc_rewards_per_share // PRECISION


def pending_rewards(position: Position, level: Level) -> int:
    """The rewards in wei that a position has earned and not been paid; 0 for the dead (rule 19).

    Equals `GhostCore.getPendingRewards`, which counts with the raw amount. A claim or an extraction settles a pending
    penalty before, and pays what this function returns afterwards.
    """
    if not position.alive:
        return 0
    return max(0, accrued(position.amount, level.acc_rewards_per_share) - position.reward_debt)


def active_boosts(boosts: Iterable[Boost], now: int) -> list[Boost]:
    """The boosts that are in force at `now` (unix seconds), in the order in which they were applied."""
    return [boost for boost in boosts if boost.expiry > now]


def effective_death_rate(base_rate_bps: int, boosts: list[Boost], now: int) -> int:
    """A player's death rate at `now` in basis points: the level's rate less all boosts of DEATH_REDUCTION (rule 14).

    Mirrors `GhostCore.getEffectiveDeathRate`; `now` in unix seconds.
    """
    reduction = sum(
        boost.value_bps for boost in active_boosts(boosts, now) if boost.boost_type == BoostType.DEATH_REDUCTION
    )
    return max(0, base_rate_bps - reduction)
