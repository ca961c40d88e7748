"""`/rounds` and `/bets`: DeadPool's market."""

from typing import Annotated

from django.http import Http404
from ninja import Path, Query, Router

from api import schemas
from api.answers import get
from api.inputs import AddressIn, address_in
from api.pagination import Cursor, Limit100, Limit1000, Page, paginate
from indexer.domain.betting import RoundType
from indexer.domain.units import DATA
from indexer.models import CurrentRound
from indexer.selectors import markets
from indexer.selectors.snapshot import IndexedBlock

rounds = Router(tags=["rounds"])
bets = Router(tags=["bets"])

RoundId = Annotated[int, Path(ge=0, le=DATA, description="A round's number.")]
RoundTypeIn = Annotated[
    str | None,
    Query(alias="type", pattern="^(" + "|".join(kind.name.lower() for kind in RoundType) + ")$"),
]


@get(rounds, "", schemas.Rounds, "Betting rounds")
def list_rounds(
    checkpoint: IndexedBlock,
    type_: RoundTypeIn = None,
    active_only: bool = True,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The newest first; active ones take bets: not resolved, and their deadline lies after the indexed block."""
    kind = None if type_ is None else RoundType[type_.upper()]
    return paginate(markets.rounds(kind, checkpoint.timestamp if active_only else None), cursor, limit)


@get(rounds, "/{round_id}", schemas.Round, "A round")
def one_round(checkpoint: IndexedBlock, round_id: RoundId) -> CurrentRound:
    """A round as it stands."""
    return _find(round_id)


@get(rounds, "/{round_id}/bets", schemas.Bets, "A round's bets")
def round_bets(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """All players' bets as they stand, the last one placed or claimed first."""
    found = _find(round_id)
    return paginate(markets.bets_in(round_id), cursor, limit, lambda bet: markets.PlacedBet(bet, found))


@get(rounds, "/{round_id}/odds", schemas.Odds, "A round's odds")
def odds(checkpoint: IndexedBlock, round_id: RoundId) -> CurrentRound:
    """Each side's payout per staked unit after the rake, as the contract computes it: in bps, and as a number."""
    return _find(round_id)


@get(rounds, "/{round_id}/odds/history", schemas.OddsHistory, "A round's odds over time")
def odds_history(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """After each bet, the last one first."""
    _find(round_id)
    return paginate(markets.odds_history(round_id), cursor, limit)


@get(bets, "/{address}", schemas.Bets, "A player's bets")
def player_bets(
    checkpoint: IndexedBlock,
    address: AddressIn,
    unclaimed_only: bool = False,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """The last one placed or claimed first; `unclaimed_only`: those whose winnings are not claimed yet."""
    listing = markets.bets_of(address_in(address), unclaimed=unclaimed_only)
    found = markets.rounds_of(listing)
    return paginate(listing, cursor, limit, lambda bet: markets.PlacedBet(bet, found[int(bet.round_id)]))


def _find(round_id: int) -> CurrentRound:
    found = markets.round_(round_id)
    if found is None:
        raise Http404(f"there is no round {round_id}")
    return found
