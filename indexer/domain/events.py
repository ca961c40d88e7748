"""One immutable class per Solidity event, fields in the order of the contract.

A class is one contract's event, and its name is the event's in the archive; only those of SHARED are emitted by
several, and `indexer.domain.chain.DecodedLog` names the contract that emitted one. An argument that an upgrade of the
contract added is a field with a default, which older logs get. Amounts are in wei, rates in basis points, times in unix
seconds.
"""

from typing import Final, NamedTuple

from indexer.domain.units import Address, Hash


class BoostApplied(NamedTuple):
    """A boost of `value_bps` for `user`, in force until `expiry` (unix seconds, up to 2⁶⁴−1)."""

    user: Address
    boost_type: int
    value_bps: int
    expiry: int


class CascadeDistributed(NamedTuple):
    """How the stakes of a scan's dead were split, in wei (rule 17)."""

    source_level: int
    same_level_amount: int
    upstream_amount: int
    burn_amount: int
    protocol_amount: int


class DeathsProcessed(NamedTuple):
    """A batch of deaths with `total_dead` wei at stake in all; `burned` and `distributed` are always 0 (rule 12)."""

    level: int
    death_count: int
    total_dead: int
    burned: int
    distributed: int


class EmissionsAdded(NamedTuple):
    """Emissions for a level, in wei; on a level without stake they are emitted but credited to nobody (rule 18)."""

    level: int
    amount: int


class Extracted(NamedTuple):
    """A position was closed; amounts in wei. `emergencyWithdraw` emits this too, with no rewards (rule 3)."""

    user: Address
    amount: int
    rewards: int


class Initialized(NamedTuple):
    """A proxy was initialized; the first one of GhostCore starts the scan timers and the reset timer."""

    version: int


class JackedIn(NamedTuple):
    """A position was opened; `amount` and `new_total` (wei) are equal (rule 1)."""

    user: Address
    amount: int
    level: int
    new_total: int


class Paused(NamedTuple):
    """A contract was paused; while GhostCore is, Extracted comes from `emergencyWithdraw` (rule 3)."""

    account: Address


class PositionCulled(NamedTuple):
    """`victim` was removed from a full level for `new_entrant`; amounts in wei (rule 7)."""

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
    """Stake was added; `new_total` (wei) is the stake after a pending penalty was settled (rule 2)."""

    user: Address
    amount: int
    new_total: int


class SurvivorsUpdated(NamedTuple):
    """Everyone in the level's array survived a scan; `survivor_count` is the array's length (rule 16)."""

    level: int
    survivor_count: int


class SystemResetTriggered(NamedTuple):
    """A system reset; amounts in wei, `jackpot_winner` is always the zero address (rule 10)."""

    total_penalty: int
    jackpot_winner: Address
    jackpot_amount: int


class Unpaused(NamedTuple):
    """A contract was unpaused; after GhostCore's, Extracted comes from `extract` again (rule 3)."""

    account: Address


class Upgraded(NamedTuple):
    """Administrative; archived only."""

    implementation: Address


class DeathsSubmitted(NamedTuple):
    """A batch of deaths was accepted for a scan; who died is in the calldata only (rule 13)."""

    level: int
    scan_id: int
    death_count: int
    total_dead: int
    submitter: Address


class ScanExecuted(NamedTuple):
    """A scan began; `seed` decides who is doomed, `executed_at` in unix seconds."""

    level: int
    scan_id: int
    seed: int
    executed_at: int


class ScanFinalized(NamedTuple):
    """A scan ended; totals over its batches, `total_dead` in wei, `finalized_at` in unix seconds (rule 16)."""

    level: int
    scan_id: int
    death_count: int
    total_dead: int
    finalized_at: int


class BetPlaced(NamedTuple):
    """A bet was placed or increased; `amount` is the increment in wei."""

    round_id: int
    user: Address
    is_over: bool
    amount: int


class RoundCreated(NamedTuple):
    """A betting round was created; `line` and `deadline` (unix seconds) may be the maximum of their types."""

    round_id: int
    round_type: int
    target_level: int
    line: int
    deadline: int


class RoundResolved(NamedTuple):
    """A round's outcome; the pot and the rake that was burned, in wei."""

    round_id: int
    outcome: bool
    total_pot: int
    burned: int


class WinningsClaimed(NamedTuple):
    """Winnings of a round were paid to a user, in wei."""

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
    """The part of a transfer's tax that went to the treasury, in wei."""

    from_: Address
    amount: int


class TaxExclusionSet(NamedTuple):
    """An account was exempted from the tax, or its exemption ended."""

    account: Address
    excluded: bool


class Transfer(NamedTuple):
    """DATA moved, minted (from zero) or burned (to zero), in wei."""

    from_: Address
    to: Address
    value: int


class BuybackExecuted(NamedTuple):
    """ETH was spent on DATA, which was burned; all in wei."""

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
    """A toll in wei of ETH; `from_` is the contract that collected it, mostly not the player."""

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
    """New emission weights of the five levels, in basis points."""

    new_weights: tuple[int, int, int, int, int]


class TokensClaimed(NamedTuple):
    """Vested DATA claimed, in wei."""

    beneficiary: Address
    amount: int


SHARED: Final = frozenset(
    {
        Initialized,
        OwnershipTransferStarted,
        OwnershipTransferred,
        Paused,
        RoleAdminChanged,
        RoleGranted,
        RoleRevoked,
        Unpaused,
        Upgraded,
    }
)
"""The events that mean the same whichever contract emits them. Every other class is one contract's event alone."""

EVENT_NAMES: Final = tuple(
    sorted(name for name, one in vars().items() if isinstance(one, type) and one.__module__ == __name__)
)
"""The names of all events."""
