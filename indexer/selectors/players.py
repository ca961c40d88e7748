"""A player's position: the stored version, with what the contracts compute from it on read."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When

from indexer.domain.positions import (
    Boost,
    Status,
    active_boosts,
    effective_amount,
    effective_death_rate,
    ghost_streak,
    pending_rewards,
)
from indexer.domain.stored import stored_level, stored_position
from indexer.domain.units import Address, first_id
from indexer.models import Boost as BoostRow
from indexer.models import CurrentLevel, CurrentPosition, CurrentProtocol, LevelState, ProtocolState
from indexer.models import Position as PositionRow


@dataclass(frozen=True, slots=True)
class PlayerPosition:
    """A position after a block; amounts in wei, rates in bps, times in unix seconds.

    `effective_amount` is what a pending reset penalty leaves of `amount`.
    """

    address: str
    level: int
    status: str
    amount: int
    effective_amount: int
    pending_rewards: int
    ghost_streak: int
    effective_death_rate_bps: int
    entry_time: int
    last_add_time: int
    next_scan_time: int
    boosts: list[Boost]
    changed_at: datetime


def player_position(address: Address, timestamp: int, at_block: int | None = None) -> PlayerPosition | None:
    """A player's position as it stood after a block (None: as it stands), at the block's time in unix seconds.

    None if the player has none: never entered, or has left.
    """
    end = None if at_block is None else first_id(at_block + 1)
    row = _position(address, end)
    if row is None or row.status == Status.EXTRACTED:
        return None
    position, level = stored_position(row, address), stored_level(_level(row.level, end))
    boosts = _boosts(address, row, end)
    return PlayerPosition(
        address=address,
        level=row.level,
        status=row.status,
        amount=position.amount,
        effective_amount=effective_amount(position, _epoch(end)),
        pending_rewards=pending_rewards(position, level),
        ghost_streak=ghost_streak(position, level),
        effective_death_rate_bps=effective_death_rate(level.config.base_death_rate_bps, boosts, timestamp),
        entry_time=position.entry_time,
        last_add_time=position.last_add_time,
        next_scan_time=level.next_scan_time,
        boosts=active_boosts(boosts, timestamp),
        changed_at=row.block_time,
    )


def positions_with_streak() -> "QuerySet[CurrentPosition]":
    """All positions as they stand, with `streak`: the ghost streak of each."""
    survived = CurrentLevel.objects.filter(level=OuterRef("level")).values("survived_scans")
    streak = Case(When(on_roster=True, then=Subquery(survived) - F("streak_base")), default=F("streak_base"))
    return CurrentPosition.objects.annotate(streak=streak)


def current_epoch() -> int:
    """The number of the system reset that positions are settled up to, or not yet."""
    return _epoch(None)


def _position(address: Address, end: int | None) -> CurrentPosition | PositionRow | None:
    if end is None:
        return CurrentPosition.objects.filter(address=address).first()
    return PositionRow.objects.filter(address=address, id__lt=end).order_by("-id").first()


def _level(number: int, end: int | None) -> CurrentLevel | LevelState:
    if end is None:
        return CurrentLevel.objects.get(level=number)
    return LevelState.objects.filter(level=number, id__lt=end).order_by("-id")[:1].get()


def _epoch(end: int | None) -> int:
    row: CurrentProtocol | ProtocolState
    if end is None:
        row = CurrentProtocol.objects.get()
    else:
        row = ProtocolState.objects.filter(id__lt=end).order_by("-id")[:1].get()
    return int(row.reset_epoch)


def _boosts(address: Address, row: CurrentPosition | PositionRow, end: int | None) -> list[Boost]:
    """Boosts since the player's last extraction, which deletes them."""
    found = BoostRow.objects.filter(address=address).order_by("id")
    extractions = PositionRow.objects.filter(address=address, status=Status.EXTRACTED, id__lte=row.id)
    last = extractions.order_by("-id").values_list("event_id", flat=True).first()
    if last is not None:
        found = found.filter(id__gt=last)
    if end is not None:
        found = found.filter(id__lt=end)
    return [Boost(boost.boost_type, boost.value_bps, int(boost.expiry)) for boost in found]
