"""DeadPool: rounds, bets and winnings."""

from indexer.domain.betting import Bet, Round, payout, rake
from indexer.domain.events import BetPlaced, RoundCreated, RoundResolved, WinningsClaimed
from indexer.rules.game import Game


def round_created(game: Game, event: RoundCreated) -> None:
    """A round opens for bets."""
    round_ = Round(event.round_id, event.round_type, event.target_level, event.line, event.deadline)
    game.rounds[event.round_id] = round_
    game.journal.round(round_, "created")


def bet_placed(game: Game, event: BetPlaced) -> None:
    """A bet or an increment of one; a user stays on one side."""
    round_ = find_round(game, event.round_id)
    bets = game.bets[event.round_id]
    bet = bets.get(event.user)
    if bet is None:
        bet = bets[event.user] = Bet(event.round_id, event.user, event.is_over)
    game.expect(f"side of {event.user}'s bet in round {event.round_id}", bet.is_over, event.is_over)
    bet.amount += event.amount
    if event.is_over:
        round_.over_pool += event.amount
    else:
        round_.under_pool += event.amount
    game.journal.round(round_, "bet_placed")
    game.journal.bet(bet, round_, "placed", amount_change=event.amount)


def round_resolved(game: Game, event: RoundResolved) -> None:
    """A round is resolved: the rake is burned, and the losers' bets are closed."""
    round_ = find_round(game, event.round_id)
    game.expect(f"pot of round {event.round_id}", round_.pot, event.total_pot)
    game.expect(f"rake of round {event.round_id}", rake(round_.pot), event.burned)
    round_.resolved = True
    round_.outcome = event.outcome
    round_.resolve_time = game.now
    bets = game.bets[event.round_id]
    game.bets[event.round_id] = {user: bet for user, bet in bets.items() if bet.is_over == event.outcome}
    game.journal.round(round_, "resolved", burned=event.burned)


def winnings_claimed(game: Game, event: WinningsClaimed) -> None:
    """A winner is paid, and the bet is closed."""
    round_ = find_round(game, event.round_id)
    bet = game.bets[event.round_id].pop(event.user, None)
    if bet is None or not round_.resolved:
        raise game.broken(f"{event.user} claimed winnings of round {event.round_id} without a winning bet")
    owed = payout(bet.amount, round_.pot, round_.winning_pool)
    game.expect(f"winnings of {event.user} in round {event.round_id}", owed, event.amount)
    bet.claimed = True
    game.journal.bet(bet, round_, "claimed", payout=event.amount)


def find_round(game: Game, round_id: int) -> Round:
    """A round that must exist.

    Raises InvariantBroken if it does not.
    """
    round_ = game.rounds.get(round_id)
    if round_ is None:
        raise game.broken(f"there is no betting round {round_id}")
    return round_
