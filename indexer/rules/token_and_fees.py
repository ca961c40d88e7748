"""DataToken, FeeRouter and TeamVesting: transfers, tolls, buybacks, vesting."""

from indexer.domain.events import BuybackExecuted, TokensClaimed, TollCollected, Transfer
from indexer.domain.units import ZERO_ADDRESS
from indexer.records.rows import BuybackRow, TokenTransferRow, TollRow, VestingClaimRow
from indexer.rules.game import Game
from indexer.rules.ghost_core import claim_rewards


def transfer(game: Game, event: Transfer) -> None:
    """DATA moves; a payment by GhostCore that nothing else explains is a claim of rewards (rule 9)."""
    game.journal.fact(TokenTransferRow, event.from_, event.to, event.value)
    if event.from_ == ZERO_ADDRESS:
        game.change_supply(event.value)
    game.move_balance(event.from_, event.to, event.value)
    if event.to == ZERO_ADDRESS:
        game.change_supply(-event.value)
    if game.journal.event_id in game.tx.claims:
        claim_rewards(game, event.to, event.value)


def toll_collected(game: Game, event: TollCollected) -> None:
    """A contract collected a toll in ETH."""
    game.journal.fact(TollRow, event.from_, event.amount, event.reason)


def buyback_executed(game: Game, event: BuybackExecuted) -> None:
    """ETH became DATA, which was burned."""
    game.journal.fact(BuybackRow, event.eth_spent, event.data_received, event.data_burned)


def tokens_claimed(game: Game, event: TokensClaimed) -> None:
    """Vested DATA was paid out."""
    game.journal.fact(VestingClaimRow, event.beneficiary, event.amount)
