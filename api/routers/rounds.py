"""`/rounds` and `/bets`: DeadPool's market."""

from typing import Annotated, Any

from django.db.models import Exists, OuterRef
from django.http import Http404
from ninja import Path, Query, Router

from api import schemas
from api.answers import get
from api.inputs import AddressIn, address_in
from api.pagination import Cursor, Limit100, Limit1000, Page, paginate
from indexer.domain.betting import RoundType, odds_bps, payout
from indexer.domain.units import BPS, DATA
from indexer.models import CurrentBet, CurrentRound, Round
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
    rows = CurrentRound.objects.all()
    if type_ is not None:
        rows = rows.filter(round_type=RoundType[type_.upper()])
    if active_only:
        rows = rows.filter(resolved=False, deadline__gt=checkpoint.timestamp)
    return paginate(rows, ("round_id",), cursor, limit, _round)


@get(rounds, "/{round_id}", schemas.Round, "A round")
def one_round(checkpoint: IndexedBlock, round_id: RoundId) -> dict[str, Any]:
    """A round as it stands."""
    return _round(_find(round_id))


@get(rounds, "/{round_id}/bets", schemas.Bets, "A round's bets")
def round_bets(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """Everybody's bet as it stands, the last one placed or claimed first."""
    found = _find(round_id)
    return paginate(CurrentBet.objects.filter(round_id=round_id), ("id",), cursor, limit, lambda bet: _bet(bet, found))


@get(rounds, "/{round_id}/odds", schemas.Odds, "A round's odds")
def odds(checkpoint: IndexedBlock, round_id: RoundId) -> dict[str, Any]:
    """What a side pays per staked unit after the rake, as the contract computes it: in bps, and as a number."""
    return _odds(_find(round_id))


@get(rounds, "/{round_id}/odds/history", schemas.OddsHistory, "A round's odds over time")
def odds_history(
    checkpoint: IndexedBlock,
    round_id: RoundId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """After each bet, the last one first."""
    _find(round_id)
    rows = Round.objects.filter(round_id=round_id, action__in=["created", "bet_placed"])
    return paginate(
        rows, ("id",), cursor, limit, lambda row: {"time": row.block_time, "block": row.block_number} | _odds(row)
    )


@get(bets, "/{address}", schemas.Bets, "A player's bets")
def player_bets(
    checkpoint: IndexedBlock,
    address: AddressIn,
    unclaimed_only: bool = False,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """The last one placed or claimed first; `unclaimed_only`: those whose winnings wait to be claimed."""
    rows = CurrentBet.objects.filter(address=address_in(address))
    if unclaimed_only:
        won = CurrentRound.objects.filter(round_id=OuterRef("round_id"), resolved=True, outcome=OuterRef("is_over"))
        rows = rows.filter(Exists(won), claimed=False)
    found = {int(row.round_id): row for row in CurrentRound.objects.filter(round_id__in=rows.values("round_id"))}
    return paginate(rows, ("id",), cursor, limit, lambda bet: _bet(bet, found[int(bet.round_id)]))


def _find(round_id: int) -> CurrentRound:
    found = CurrentRound.objects.filter(round_id=round_id).first()
    if found is None:
        raise Http404(f"there is no round {round_id}")
    return found


def _round(row: CurrentRound) -> dict[str, Any]:
    return {
        "round_id": int(row.round_id),
        "type": RoundType(row.round_type).name.lower(),
        "target_level": row.target_level,
        "line": row.line,
        "deadline": int(row.deadline),
        "over_pool": row.over_pool,
        "under_pool": row.under_pool,
        "resolved": row.resolved,
        "outcome": ("over" if row.outcome else "under") if row.resolved else None,
        "resolved_at": int(row.resolve_time) if row.resolved else None,
    }


def _odds(row: CurrentRound | Round) -> dict[str, Any]:
    over, under = int(row.over_pool), int(row.under_pool)
    over_bps, under_bps = odds_bps(over + under, over), odds_bps(over + under, under)
    return {
        "over_odds": over_bps / BPS,
        "under_odds": under_bps / BPS,
        "over_odds_bps": over_bps,
        "under_odds_bps": under_bps,
        "over_pool": over,
        "under_pool": under,
    }


def _odds_point(row: Round) -> dict[str, Any]:
    return {"time": row.block_time, "block": row.block_number, **_odds(row)}


def _bet(bet: CurrentBet, row: CurrentRound) -> dict[str, Any]:
    over, under = int(row.over_pool), int(row.under_pool)
    won = row.resolved and bet.is_over == row.outcome
    winning = over if row.outcome else under
    due = payout(int(bet.amount), over + under, winning) if won else 0
    return {
        "round_id": int(bet.round_id),
        "address": bet.address,
        "side": "over" if bet.is_over else "under",
        "amount": bet.amount,
        "claimed": bet.claimed,
        "claimable": 0 if bet.claimed else due,
        "payout": bet.payout,
        "block": bet.block_number,
        "tx": bet.tx_hash,
    }
