"""A player's position, its boosts, and what the contract computes from them on read."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from indexer.domain.levels import Level
from indexer.domain.units import BPS, PRECISION, Address

RESET_PENALTY_BPS: Final = 2_500
"""Share of a position that its first settlement after a system reset costs."""


class Status(StrEnum):
    """How a position stands."""

    ALIVE = "alive"
    TRACED = "traced"
    CULLED = "culled"
    EXTRACTED = "extracted"


class Action(StrEnum):
    """What changed a position."""

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
    """GhostCore's `BoostType`."""

    DEATH_REDUCTION = 0
    YIELD_MULTIPLIER = 1


@dataclass(frozen=True, slots=True)
class Boost:
    """One applied boost; `expiry` in unix seconds, up to 2⁶⁴−1."""

    boost_type: int
    value_bps: int
    expiry: int


@dataclass(slots=True)
class Position:
    """A position as `GhostCore.getPosition` holds it: raw amounts, lazily settled.

    While `on_roster`, the streak is the level's survived scans since `streak_base`; off the roster it is
    `streak_base` itself. `epoch` is the reset epoch up to which penalties are settled.
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
        return self.status is Status.ALIVE


def ghost_streak(position: Position, level: Level) -> int:
    """Scans survived in a row (`getPosition.ghostStreak`)."""
    if position.on_roster:
        return level.survived_scans - position.streak_base
    return position.streak_base


def owed_penalty(position: Position, current_epoch: int) -> int:
    """The reset penalty in wei that a position still owes: taken once, however many resets lie between (rule 8)."""
    if position.alive and position.epoch < current_epoch:
        return position.amount * RESET_PENALTY_BPS // BPS
    return 0


def effective_amount(position: Position, current_epoch: int) -> int:
    """The stake in wei after a pending reset penalty; what the next settlement leaves."""
    return position.amount - owed_penalty(position, current_epoch)


def accrued(amount: int, acc_rewards_per_share: int) -> int:
    """A stake's share of all rewards so far, in wei: the `reward_debt` of one that enters now."""
    return amount * acc_rewards_per_share // PRECISION


def pending_rewards(position: Position, level: Level) -> int:
    """`GhostCore.getPendingRewards` in wei (rule 19): what is paid once a pending penalty is settled.

    The view itself does not settle: before a settlement it reckons with the raw amount.
    """
    if not position.alive:
        return 0
    return max(0, accrued(position.amount, level.acc_rewards_per_share) - position.reward_debt)


def active_boosts(boosts: list[Boost], now: int) -> list[Boost]:
    """The boosts unexpired at `now` (unix seconds), in the order in which they were applied."""
    return [boost for boost in boosts if boost.expiry > now]


def effective_death_rate(base_rate_bps: int, boosts: list[Boost], now: int) -> int:
    """`GhostCore.getEffectiveDeathRate` in bps: DEATH_REDUCTION boosts add up (rule 14)."""
    reduction = sum(
        boost.value_bps for boost in active_boosts(boosts, now) if boost.boost_type == BoostType.DEATH_REDUCTION
    )
    return max(0, base_rate_bps - reduction)
