"""DeadPool's rounds, their odds, and the bets in them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC
from enum import StrEnum
from typing import Final

from django.db.models import Case, Exists, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Trunc

from indexer.domain.betting import RAKE_BPS, RoundType, payout
from indexer.domain.units import BPS, Address, to_bytes
from indexer.models import Bet, CurrentBet, CurrentRound, Round
from indexer.selectors.listing import Listing
from indexer.selectors.periods import Interval
from indexer.selectors.rows import fetch_rows

_CHANGES_OF_ODDS: Final = ("created", "bet_placed")


class RoundState(StrEnum):
    """Whether a round takes bets, waits for its outcome after its deadline, or has one."""

    OPEN = "open"
    LOCKED = "locked"
    RESOLVED = "resolved"


class BetStatus(StrEnum):
    """Whether a bet waits for its round's outcome, and if not, what became of it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLAIMED = "claimed"


_BETS: Final[Mapping[BetStatus, Q]] = {
    BetStatus.OPEN: Q(resolved=False),
    BetStatus.WON: Q(resolved=True, outcome=OuterRef("is_over")),
    BetStatus.LOST: Q(resolved=True) & ~Q(outcome=OuterRef("is_over")),
}
"""The rounds whose unclaimed bets have a status."""


def rounds(now: int, kind: RoundType | None = None, state: RoundState | None = None) -> Listing[CurrentRound]:
    """Rounds of a type and in a state, or all, the newest first, as they stand at `now` (unix seconds)."""
    rows = _rounds(now)
    if kind is not None:
        rows = rows.filter(round_type=kind)
    if state is not None:
        rows = rows.filter(Q(state=state))
    return Listing(rows, ("round_id",))


def round_(round_id: int, now: int) -> CurrentRound | None:
    """A round as it stands at `now` (unix seconds); None if there is none."""
    return _rounds(now).filter(round_id=round_id).first()


def _rounds(now: int) -> "QuerySet[CurrentRound]":
    """All rounds, each with its `state` and the time of its creation."""
    created = Round.objects.filter(round_id=OuterRef("round_id")).order_by("id").values("block_time")
    state = Case(
        When(resolved=True, then=Value(RoundState.RESOLVED.value)),
        When(deadline__gt=now, then=Value(RoundState.OPEN.value)),
        default=Value(RoundState.LOCKED.value),
    )
    return CurrentRound.objects.annotate(state=state, created_at=Subquery(created[:1]))


def odds_history(round_id: int, interval: Interval | None = None) -> Listing[Round]:
    """A round as its creation and each bet left it, or the last of them in each bucket; the last one first."""
    rows = Round.objects.filter(round_id=round_id, action__in=_CHANGES_OF_ODDS)
    if interval is not None:
        buckets = rows.values(bucket=Trunc("block_time", interval.value, tzinfo=UTC))
        rows = rows.filter(id__in=buckets.annotate(last=Max("id")).values("last"))
    return Listing(rows)


def bets_in(round_id: int, status: BetStatus | None = None) -> Listing[CurrentBet]:
    """All players' bets in a round as they stand, the last one placed or claimed first."""
    return _bets(Q(round_id=round_id), status)


def bets_of(player: Address, status: BetStatus | None = None) -> Listing[CurrentBet]:
    """A player's bets as they stand, the last one placed or claimed first."""
    return _bets(Q(address=player), status)


def _bets(which: Q, status: BetStatus | None) -> Listing[CurrentBet]:
    """Bets of a status, or of any, each with the time when it was first placed."""
    placed = Bet.objects.filter(round_id=OuterRef("round_id"), address=OuterRef("address")).order_by("id")
    rows = CurrentBet.objects.filter(which).annotate(placed_at=Subquery(placed.values("block_time")[:1]))
    if status is BetStatus.CLAIMED:
        rows = rows.filter(claimed=True)
    elif status is not None:
        rounds_with = CurrentRound.objects.filter(_BETS[status], round_id=OuterRef("round_id"))
        rows = rows.filter(Exists(rounds_with), claimed=False)
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
    def status(self) -> BetStatus:
        """What became of the bet so far."""
        if self.bet.claimed:
            return BetStatus.CLAIMED
        if not self.round.resolved:
            return BetStatus.OPEN
        return BetStatus.WON if self.bet.is_over == self.round.outcome else BetStatus.LOST

    @property
    def claimable(self) -> int:
        """What the bet has won and the player has not claimed yet, in wei."""
        if self.status is not BetStatus.WON:
            return 0
        return payout(int(self.bet.amount), self.round.pot, self.round.winning_pool)


@dataclass(frozen=True, slots=True)
class BetTotals:
    """Bets summed up: their number, and amounts in wei. `won` are payouts, claimed or not; `claimable` those not."""

    bets: int = 0
    staked: int = 0
    open: int = 0
    won: int = 0
    lost: int = 0
    claimable: int = 0

    def __add__(self, other: "BetTotals") -> "BetTotals":
        return BetTotals(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


_TOTALS: Final = f"""
    SELECT round_type, count(*), sum(amount), coalesce(sum(amount) FILTER (WHERE NOT resolved), 0),
        coalesce(sum(payout + due), 0), coalesce(sum(amount) FILTER (WHERE resolved AND NOT wins), 0),
        coalesce(sum(due), 0)
    FROM (
        SELECT b.*, r.resolved, r.outcome = b.is_over AS wins,
            CASE WHEN r.resolved AND r.outcome = b.is_over AND NOT b.claimed
            THEN div(b.amount * (pot - div(pot * {RAKE_BPS}, {BPS})),
                CASE WHEN r.outcome THEN r.over_pool ELSE r.under_pool END)
            ELSE 0 END AS due
        FROM current_bets AS b JOIN current_rounds AS r USING (round_id), LATERAL (SELECT r.over_pool + r.under_pool)
            AS whole (pot)
        WHERE b.address = %(address)s
    ) AS bets GROUP BY round_type
"""
"""`PlacedBet.claimable` in SQL, and what it is summed up with."""


def bet_totals(player: Address) -> dict[RoundType, BetTotals]:
    """A player's bets by type of round; each type is there."""
    found = {RoundType(kind): BetTotals(*row) for kind, *row in fetch_rows(_TOTALS, {"address": to_bytes(player)})}
    return {kind: found.get(kind, BetTotals()) for kind in RoundType}
