"""DeadPool's rounds, their odds, and the bets in them."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef

from indexer.domain.betting import RoundType, payout
from indexer.domain.units import Address
from indexer.models import CurrentBet, CurrentRound, Round
from indexer.selectors.listing import Listing

_CHANGES_OF_ODDS: Final = ("created", "bet_placed")


def rounds(kind: RoundType | None = None, open_at: int | None = None) -> Listing[CurrentRound]:
    """Rounds of a type, or of all, the newest first; with `open_at` (unix seconds) those that take bets then: not
    resolved, and their deadline is later."""
    rows = CurrentRound.objects.all()
    if kind is not None:
        rows = rows.filter(round_type=kind)
    if open_at is not None:
        rows = rows.filter(resolved=False, deadline__gt=open_at)
    return Listing(rows, ("round_id",))


def round_(round_id: int) -> CurrentRound | None:
    """A round as it stands; None if there is none."""
    return CurrentRound.objects.filter(round_id=round_id).first()


def odds_history(round_id: int) -> Listing[Round]:
    """A round as its creation and each bet left it, the last one first."""
    return Listing(Round.objects.filter(round_id=round_id, action__in=_CHANGES_OF_ODDS))


def bets_in(round_id: int) -> Listing[CurrentBet]:
    """All players' bets in a round as they stand, the last one placed or claimed first."""
    return Listing(CurrentBet.objects.filter(round_id=round_id))


def bets_of(player: Address, *, unclaimed: bool = False) -> Listing[CurrentBet]:
    """A player's bets as they stand, the last one placed or claimed first; `unclaimed`: those that won and were not
    claimed yet."""
    rows = CurrentBet.objects.filter(address=player)
    if unclaimed:
        won = CurrentRound.objects.filter(round_id=OuterRef("round_id"), resolved=True, outcome=OuterRef("is_over"))
        rows = rows.filter(Exists(won), claimed=False)
    return Listing(rows)


def rounds_of(bets: Listing[CurrentBet]) -> dict[int, CurrentRound]:
    """The rounds of bets, by their numbers."""
    rows = CurrentRound.objects.filter(round_id__in=bets.rows.values("round_id"))
    return {int(row.round_id): row for row in rows}


@dataclass(frozen=True, slots=True)
class PlacedBet:
    """A bet, with the round that it is in."""

    bet: CurrentBet
    round: CurrentRound

    @property
    def claimable(self) -> int:
        """What the bet has won and the player has not claimed yet, in wei."""
        bet, round_ = self.bet, self.round
        if bet.claimed or not round_.resolved or bet.is_over != round_.outcome:
            return 0
        return payout(int(bet.amount), round_.pot, round_.winning_pool)
