"""Apply a block: its transactions in order, each one's logs in order, and what transactions do without logs."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from indexer.base.errors import GhostnetError
from indexer.decode.calldata import claims_rewards, level_configs
from indexer.domain.chain import Block, DecodedLog, Transaction, TransactionContext
from indexer.domain.units import log_index_of
from indexer.rules.game import Game
from indexer.rules.payments import claims_among
from indexer.rules.registry import HANDLERS
from indexer.rules.settlements import settle_silently

_tx_index = attrgetter("tx_index")


def apply_block(game: Game, block: Block) -> None:
    """Apply a decoded block to the game; what happened stands in the game's journal afterwards.

    Raises InvariantBroken, naming the place, where chain and rules disagree; the game is then unusable.
    """
    game.journal.start_block(block.header.number, block.header.timestamp)
    logs_of = {index: list(logs) for index, logs in groupby(block.logs, _tx_index)}
    calls = {transaction.tx_index: transaction for transaction in block.transactions}
    for index in sorted(logs_of.keys() | calls.keys()) if calls else logs_of:
        apply_transaction(game, logs_of.get(index, ()), calls.get(index))
    game.finish_block()


def apply_transaction(game: Game, logs: Sequence[DecodedLog], call: Transaction | None) -> None:
    """Apply one transaction: first what its calldata does silently, then its logs, except those in quarantine."""
    if game.quarantined:
        logs = [log for log in logs if (log.tx_hash, log_index_of(log.event_id)) not in game.quarantined]
    game.tx = TransactionContext(claims=claims_among(logs, game.ghost_core))
    if call is not None:
        game.tx.input = call.input
        game.journal.tx_hash, game.journal.event_id = call.hash, None
        apply_silent_calls(game, call)
    journal = game.journal
    try:
        for event_id, _, tx_hash, contract, event in logs:
            journal.tx_hash, journal.event_id = tx_hash, event_id
            HANDLERS[contract][type(event)](game, event)
    except GhostnetError:
        raise
    except Exception as error:
        raise game.broken(f"{contract}.{type(event).__name__} can't be applied: {error!r}") from error
    if game.tx.deaths is not None:
        raise game.broken("DeathsProcessed without DeathsSubmitted after it in the transaction")


def apply_silent_calls(game: Game, call: Transaction) -> None:
    """Claims of nothing, and configuration changes: both leave no log.

    A claim is made by the sender of a direct call, or by the contract wallet that is called.
    """
    if claims_rewards(call.input):
        user = call.sender if call.recipient == game.ghost_core else call.recipient
        if user is not None:
            settle_silently(game, user)
    for level, config in level_configs(call.input):
        game.change_level(level).config = config
