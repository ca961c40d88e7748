"""The handler of every event of every contract; an event that is missing here can't be applied."""

from collections.abc import Callable, Iterable
from typing import Any

from indexer.base.errors import GhostnetError
from indexer.decode.contract_abi import events_of
from indexer.domain import events
from indexer.rules import dead_pool, ghost_core, token_and_fees, trace_scan
from indexer.rules.game import Game

Handler = Callable[[Game, Any], None]


class NoHandler(GhostnetError):
    """An ABI has an event for which there is no rule."""

    help = "Name its handler in HANDLERS of indexer/rules/registry.py: `archive_only` if it changes nothing."


def archive_only(game: Game, event: Any) -> None:
    """The handler of events that change nothing in the mirror; `chain_events` keeps them."""


_EVERYWHERE: dict[type, Handler] = dict.fromkeys(events.SHARED, archive_only)

HANDLERS: dict[str, dict[type, Handler]] = {
    "GhostCore": _EVERYWHERE
    | {
        events.Initialized: ghost_core.initialized,
        events.Paused: ghost_core.paused,
        events.Unpaused: ghost_core.unpaused,
        events.JackedIn: ghost_core.jacked_in,
        events.StakeAdded: ghost_core.stake_added,
        events.Extracted: ghost_core.extracted,
        events.PositionCulled: ghost_core.position_culled,
        events.CascadeDistributed: ghost_core.cascade_distributed,
        events.SurvivorsUpdated: ghost_core.survivors_updated,
        events.EmissionsAdded: ghost_core.emissions_added,
        events.BoostApplied: ghost_core.boost_applied,
        events.SystemResetTriggered: ghost_core.system_reset_triggered,
        events.DeathsProcessed: trace_scan.deaths_processed,
    },
    "TraceScan": _EVERYWHERE
    | {
        events.ScanExecuted: trace_scan.scan_executed,
        events.DeathsSubmitted: trace_scan.deaths_submitted,
        events.ScanFinalized: trace_scan.scan_finalized,
    },
    "DeadPool": _EVERYWHERE
    | {
        events.RoundCreated: dead_pool.round_created,
        events.BetPlaced: dead_pool.bet_placed,
        events.RoundResolved: dead_pool.round_resolved,
        events.WinningsClaimed: dead_pool.winnings_claimed,
    },
    "DataToken": _EVERYWHERE
    | {
        events.Transfer: token_and_fees.transfer,
        events.Approval: archive_only,
        events.TaxBurned: archive_only,
        events.TaxCollected: archive_only,
        events.TaxExclusionSet: archive_only,
    },
    "FeeRouter": _EVERYWHERE
    | {
        events.TollCollected: token_and_fees.toll_collected,
        events.BuybackExecuted: token_and_fees.buyback_executed,
        events.OperationsWithdrawn: archive_only,
        events.OperationsWalletUpdated: archive_only,
        events.SwapRouterUpdated: archive_only,
        events.TollAmountUpdated: archive_only,
    },
    "RewardsDistributor": _EVERYWHERE
    | {
        events.EmissionsDistributed: archive_only,
        events.WeightsUpdated: archive_only,
        events.GhostCoreUpdated: archive_only,
    },
    "TeamVesting": _EVERYWHERE | {events.TokensClaimed: token_and_fees.tokens_claimed},
}


def check_handlers(contracts: Iterable[str]) -> None:
    """Raise NoHandler if an event of these contracts, which the decoder reads, could not be applied."""
    for contract in contracts:
        for event in events_of(contract):
            if event.event_class not in HANDLERS.get(contract, {}):
                raise NoHandler(f"there is no handler for {contract}.{event.name}")
