"""One immutable class per Solidity event, fields in the order of the contract.

Contracts share the class of an event they emit alike (`Paused`, `RoleGranted`); which contract spoke stands beside
the event in `indexer.domain.chain.DecodedLog`.
"""

from typing import NamedTuple

from indexer.domain.units import Address, Hash


class BoostApplied(NamedTuple):
    """A boost for `user` of `value_bps` until `expiry` (unix seconds)."""

    user: Address
    boost_type: int
    value_bps: int
    expiry: int


class CascadeDistributed(NamedTuple):
    """How the stakes of a scan's dead were split, in wei."""

    source_level: int
    same_level_amount: int
    upstream_amount: int
    burn_amount: int
    protocol_amount: int


class DeathsProcessed(NamedTuple):
    """A batch of `death_count` deaths with `total_dead` wei at stake; `burned` and `distributed` are always 0."""

    level: int
    death_count: int
    total_dead: int
    burned: int
    distributed: int


class EmissionsAdded(NamedTuple):
    """Emissions credited to a level, in wei; emitted even when nobody has stake there."""

    level: int
    amount: int


class Extracted(NamedTuple):
    """A position left with `amount` and `rewards` in wei; `emergencyWithdraw` emits it too, without rewards."""

    user: Address
    amount: int
    rewards: int


class Initialized(NamedTuple):
    """A proxy was initialized; GhostCore's first one starts the scan timers."""

    version: int


class JackedIn(NamedTuple):
    """A position opened; `amount` and `new_total` in wei are equal."""

    user: Address
    amount: int
    level: int
    new_total: int


class Paused(NamedTuple):
    """A contract was paused; GhostCore's decides whether withdrawals are emergencies."""

    account: Address


class PositionCulled(NamedTuple):
    """`victim` made room for `new_entrant` on a full level; amounts in wei."""

    victim: Address
    penalty_amount: int
    returned_amount: int
    new_entrant: Address


class RoleAdminChanged(NamedTuple):
    """Administrative; archived only."""

    role: Hash
    previous_admin_role: Hash
    new_admin_role: Hash


class RoleGranted(NamedTuple):
    """Administrative; archived only."""

    role: Hash
    account: Address
    sender: Address


class RoleRevoked(NamedTuple):
    """Administrative; archived only."""

    role: Hash
    account: Address
    sender: Address


class StakeAdded(NamedTuple):
    """Stake added; `new_total` (wei) is the position after a pending penalty was settled."""

    user: Address
    amount: int
    new_total: int


class SurvivorsUpdated(NamedTuple):
    """Everyone in the level's array survived a scan; `survivor_count` is the array's length."""

    level: int
    survivor_count: int


class SystemResetTriggered(NamedTuple):
    """A system reset; `jackpot_winner` is always zero, amounts in wei."""

    total_penalty: int
    jackpot_winner: Address
    jackpot_amount: int


class Unpaused(NamedTuple):
    """A contract was unpaused; GhostCore's decides whether withdrawals are emergencies."""

    account: Address


class Upgraded(NamedTuple):
    """Administrative; archived only."""

    implementation: Address


class DeathsSubmitted(NamedTuple):
    """A batch of deaths was accepted for a scan; who died is in the calldata only."""

    level: int
    scan_id: int
    death_count: int
    total_dead: int
    submitter: Address


class ScanExecuted(NamedTuple):
    """A scan began: its seed and `executed_at` (unix seconds)."""

    level: int
    scan_id: int
    seed: int
    executed_at: int


class ScanFinalized(NamedTuple):
    """A scan ended with its total of deaths and wei."""

    level: int
    scan_id: int
    death_count: int
    total_dead: int
    finalized_at: int


class BetPlaced(NamedTuple):
    """A bet, or an increment of one, of `amount` wei."""

    round_id: int
    user: Address
    is_over: bool
    amount: int


class RoundCreated(NamedTuple):
    """A betting round; `line` and `deadline` may be their types' maximum."""

    round_id: int
    round_type: int
    target_level: int
    line: int
    deadline: int


class RoundResolved(NamedTuple):
    """A round's outcome; pot and burned rake in wei."""

    round_id: int
    outcome: bool
    total_pot: int
    burned: int


class WinningsClaimed(NamedTuple):
    """Winnings paid, in wei."""

    round_id: int
    user: Address
    amount: int


class Approval(NamedTuple):
    """An ERC-20 allowance in wei."""

    owner: Address
    spender: Address
    value: int


class OwnershipTransferStarted(NamedTuple):
    """Administrative; archived only."""

    previous_owner: Address
    new_owner: Address


class OwnershipTransferred(NamedTuple):
    """Administrative; archived only."""

    previous_owner: Address
    new_owner: Address


class TaxBurned(NamedTuple):
    """The burned part of a transfer's tax, in wei."""

    from_: Address
    amount: int


class TaxCollected(NamedTuple):
    """The treasury's part of a transfer's tax, in wei."""

    from_: Address
    amount: int


class TaxExclusionSet(NamedTuple):
    """An account was exempted from the tax, or no longer is."""

    account: Address
    excluded: bool


class Transfer(NamedTuple):
    """DATA moved, minted (from zero) or burned (to zero), in wei."""

    from_: Address
    to: Address
    value: int


class BuybackExecuted(NamedTuple):
    """ETH spent (wei), DATA received and burned (wei)."""

    eth_spent: int
    data_received: int
    data_burned: int


class OperationsWalletUpdated(NamedTuple):
    """Administrative; archived only."""

    new_wallet: Address


class OperationsWithdrawn(NamedTuple):
    """ETH sent to operations, in wei."""

    to: Address
    amount: int


class SwapRouterUpdated(NamedTuple):
    """Administrative; archived only."""

    new_router: Address


class TollAmountUpdated(NamedTuple):
    """Administrative; archived only."""

    new_amount: int


class TollCollected(NamedTuple):
    """A toll in wei of ETH; `from_` is the collecting contract."""

    from_: Address
    amount: int
    reason: Hash


class EmissionsDistributed(NamedTuple):
    """Total emissions of one distribution, in wei."""

    total_amount: int
    timestamp: int


class GhostCoreUpdated(NamedTuple):
    """Administrative; archived only."""

    new_ghost_core: Address


class WeightsUpdated(NamedTuple):
    """New emission weights of the five levels, in bps."""

    new_weights: tuple[int, int, int, int, int]


class TokensClaimed(NamedTuple):
    """Vested DATA claimed, in wei."""

    beneficiary: Address
    amount: int
