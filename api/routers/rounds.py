"""`/rounds` and `/bets`: DeadPool's market."""

from dataclasses import asdict
from typing import Annotated, Any

from django.http import Http404
from ninja import Path, Query, Router

from api import schemas
from api.answers import get
from api.errors import BadInput
from api.inputs import AddressIn, RoundTypeIn, address_in, round_type_in
from api.pagination import Cursor, Limit100, Limit1000, Page, paginate
from indexer.domain.units import DATA
from indexer.models import CurrentRound
from indexer.selectors import markets
from indexer.selectors.markets import BetStatus, RoundState
from indexer.selectors.periods import Interval
from indexer.selectors.snapshot import IndexedBlock

rounds = Router(tags=["rounds"])
bets = Router(tags=["bets"])

RoundId = Annotated[int, Path(ge=0, le=DATA, description="A round's number.")]
StateIn = Annotated[RoundState | None, Query(description="Rounds in this state.")]
ActiveIn = Annotated[
    bool | None, Query(description="Only rounds that take bets, as `state=open`: the default where no state is given.")
]
EveryIn = Annotated[Interval | None, Query(description="The last odds of each bucket, instead of all.")]
UnclaimedIn = Annotated[bool, Query(description="Only bets with unclaimed winnings, as `status=won`.")]
StatusIn = Annotated[BetStatus | None, Query(description="Bets of this status.")]


@get(rounds, "", schemas.Rounds, "Betting rounds")
def list_rounds(
    checkpoint: IndexedBlock,
    *,
    type_: RoundTypeIn = None,
    state: StateIn = None,
    active_only: ActiveIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The newest first, as they stand at the indexed block's time."""
    if active_only or (active_only is None and state is None):
        if state not in (None, RoundState.OPEN):
            raise BadInput([("active_only", f"rounds that are {state} take no bets")])
        state = RoundState.OPEN
    return paginate(markets.rounds(checkpoint.timestamp, round_type_in(type_), state), cursor, limit)


@get(rounds, "/{round_id}", schemas.Round, "A round")
def one_round(checkpoint: IndexedBlock, round_id: RoundId) -> CurrentRound:
    """A round as it stands."""
    return _find(checkpoint, round_id)


@get(rounds, "/{round_id}/bets", schemas.Bets, "A round's bets")
def round_bets(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    status: StatusIn = None,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """All players' bets as they stand, the last one placed or claimed first."""
    found = _find(checkpoint, round_id)
    return paginate(markets.bets_in(round_id, status), cursor, limit, lambda bet: markets.PlacedBet(bet, found))


@get(rounds, "/{round_id}/odds", schemas.Odds, "A round's odds")
def odds(checkpoint: IndexedBlock, round_id: RoundId) -> CurrentRound:
    """Each side's payout per staked unit after the rake, as the contract computes it: in bps, and as a number."""
    return _find(checkpoint, round_id)


@get(rounds, "/{round_id}/odds/history", schemas.OddsHistory, "A round's odds over time")
def odds_history(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    interval: EveryIn = None,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """After each bet, or the last one of each hour, day or week that has one; the last one first."""
    _find(checkpoint, round_id)
    return paginate(markets.odds_history(round_id, interval), cursor, limit)


@get(bets, "/{address}", schemas.Bets, "A player's bets")
def player_bets(
    checkpoint: IndexedBlock,
    *,
    address: AddressIn,
    status: StatusIn = None,
    unclaimed_only: UnclaimedIn = False,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """As they stand, the last one placed or claimed first."""
    if unclaimed_only:
        if status not in (None, BetStatus.WON):
            raise BadInput([("unclaimed_only", f"bets that are {status} have nothing to claim")])
        status = BetStatus.WON
    listing = markets.bets_of(address_in(address), status)
    found = markets.rounds_of(listing)
    return paginate(listing, cursor, limit, lambda bet: markets.PlacedBet(bet, found[int(bet.round_id)]))


@get(bets, "/{address}/summary", schemas.BetSummary, "A player's bets, summed up")
def bet_summary(checkpoint: IndexedBlock, address: AddressIn) -> dict[str, Any]:
    """Stakes, winnings and losses, in all and by type of round; an address that never bet has zeros."""
    player = address_in(address)
    totals = markets.bet_totals(player)
    by_type = [{"type": kind.word, **asdict(one)} for kind, one in totals.items()]
    return {"address": player, **asdict(sum(totals.values(), markets.BetTotals())), "by_type": by_type}


def _find(checkpoint: IndexedBlock, round_id: int) -> CurrentRound:
    found = markets.round_(round_id, checkpoint.timestamp)
    if found is None:
        raise Http404(f"there is no round {round_id}")
    return found
