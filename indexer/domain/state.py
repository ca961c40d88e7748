"""The contracts' state after a block, as GhostCore's and DataToken's views return it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from indexer.domain.levels import LevelConfig
from indexer.domain.units import DEAD_ADDRESS, Address


def watched_accounts(contracts: Mapping[str, str]) -> tuple[Address, ...]:
    """The accounts whose DATA balances are compared at the end of a range: the contracts', and where burned DATA goes.

    Every stake, bet, reward and taxed transfer moves one of them.
    """
    return (*sorted(Address(address) for address in contracts.values()), DEAD_ADDRESS)


class LevelFigures(NamedTuple):
    """`GhostCore.getLevelState`: stake in wei, rewards per share scaled by 1e18, next scan in unix seconds."""

    total_staked: int
    alive_count: int
    acc_rewards_per_share: int
    next_scan_time: int


class ResetFigures(NamedTuple):
    """`GhostCore.getSystemReset`: times in unix seconds, penalty in bps."""

    deadline: int
    last_depositor: Address
    last_deposit_time: int
    epoch: int
    penalty_bps: int


class StateDifference(NamedTuple):
    """A figure of the mirror that differs from the contracts'."""

    figure: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.figure}: {self.ours} by the rules, {self.theirs} in the contracts"


@dataclass(frozen=True, slots=True)
class ContractState:
    """The contracts' state that the result of a range of blocks is compared with; amounts in wei.

    `total_supply` is None where DataToken did not answer; `balances` in wei lack accounts whose balance is not known.
    """

    levels: Mapping[int, LevelFigures]
    configs: Mapping[int, LevelConfig]
    reset: ResetFigures
    paused: bool
    total_value_locked: int
    total_supply: int | None = None
    balances: Mapping[Address, int] = field(default_factory=dict)

    @property
    def is_initialized(self) -> bool:
        """Whether GhostCore is initialized: before that, its views show nothing that could be compared."""
        return self.reset.deadline > 0

    def differences(self, theirs: "ContractState") -> list[StateDifference]:
        """The figures in which the contracts' state, `theirs`, differs from this one."""
        if not theirs.is_initialized:
            return []
        found = []
        for level in sorted(self.levels):
            found += _compare(f"getLevelConfig({level})", self.configs[level], theirs.configs[level])
            found += _compare(f"getLevelState({level})", self.levels[level], theirs.levels[level])
        found += _compare("getSystemReset()", self.reset, theirs.reset)
        found += _compare("paused()", self.paused, theirs.paused)
        found += _compare("getTotalValueLocked()", self.total_value_locked, theirs.total_value_locked)
        if self.total_supply is not None and theirs.total_supply is not None:
            found += _compare("totalSupply()", self.total_supply, theirs.total_supply)
        for account in self.balances.keys() & theirs.balances.keys():
            found += _compare(f"balanceOf({account})", self.balances[account], theirs.balances[account])
        return found


def _compare(figure: str, ours: object, theirs: object) -> list[StateDifference]:
    return [] if ours == theirs else [StateDifference(figure, ours, theirs)]
