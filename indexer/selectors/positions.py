"""Positions as lists: all of them, a player's changes, and the next victims of cullings."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from django.db.models import IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from indexer.domain.positions import Position, Status, effective_amount
from indexer.domain.units import Address
from indexer.models import CurrentLevel, CurrentLevelSlot, CurrentPosition, CurrentProtocol
from indexer.models import Position as PositionVersion
from indexer.models.queries import ghost_streak
from indexer.records.stored import stored_position
from indexer.selectors.listing import Listing


class Order(StrEnum):
    """The orders in which positions can be listed, the greatest first."""

    AMOUNT = "amount"
    ENTERED_AT = "entered_at"
    STREAK = "streak"


_COLUMNS: Final = {
    Order.AMOUNT: ("amount", "id"),
    Order.ENTERED_AT: ("entry_time", "id"),
    Order.STREAK: ("streak", "id"),
}

GHOST_STREAK: Final = ghost_streak(
    "(SELECT survived_scans FROM current_levels WHERE current_levels.level = current_positions.level)"
)
"""The streak of a row of current_positions."""


def with_streak() -> "QuerySet[CurrentPosition]":
    """All positions as they stand, each with its ghost streak as `streak`."""
    streak = RawSQL(GHOST_STREAK, (), output_field=IntegerField())  # noqa: S611 - a constant
    return CurrentPosition.objects.annotate(streak=streak)


@dataclass(frozen=True, slots=True)
class ListedPosition:
    """A position as it stands, in a list; amounts in wei."""

    position: Position
    ghost_streak: int
    current_epoch: int
    changed_at: datetime

    @property
    def effective_amount(self) -> int:
        """The stake after a pending reset penalty."""
        return effective_amount(self.position, self.current_epoch)

    @classmethod
    def of(cls, row: CurrentPosition, current_epoch: int, **more: Any) -> Self:
        """The position of a row of `with_streak`; `current_epoch` is the epoch of the last system reset."""
        streak: int = row.streak  # type: ignore[attr-defined]
        return cls(stored_position(row, Address(str(row.address))), streak, current_epoch, row.block_time, **more)


@dataclass(frozen=True, slots=True)
class RankedPosition(ListedPosition):
    """A position in a list whose places count, from 1 on."""

    rank: int


def positions(order: Order, level: int | None, status: str | None) -> Listing[CurrentPosition]:
    """Positions as they stand, in an order, of a level and a status; None for all levels, or for all that were not
    extracted."""
    rows = with_streak()
    rows = rows.exclude(status=Status.EXTRACTED) if status is None else rows.filter(status=status)
    return Listing(rows if level is None else rows.filter(level=level), _COLUMNS[order])


def changes(player: Address, action: str | None = None) -> Listing[PositionVersion]:
    """Every change of a player's positions by one action, or by any, the last one first."""
    rows = PositionVersion.objects.filter(address=player)
    return Listing(rows if action is None else rows.filter(action=action))


@dataclass(frozen=True, slots=True)
class NextVictims:
    """The victims of a level's next cullings, the first one first; none happens before `free_places` more have entered.

    The order is that of the stored array of the level's users; where `order_known` is False, a change without a log may
    have made the contract's another.
    """

    level: int
    free_places: int
    order_known: bool
    positions: list[RankedPosition]


def next_victims(level: int, limit: int) -> NextVictims:
    """The first victims of a level's next cullings, without those who enter at each (rules 6 and 7)."""
    stored = CurrentLevel.objects.get(level=level)
    slots = CurrentLevelSlot.objects.filter(level=level, address__isnull=False).order_by("slot")
    members = list(slots.values_list("address", flat=True))
    victims = [*members[:1], *members[:0:-1]][:limit]
    found = {row.address: row for row in with_streak().filter(address__in=victims)}
    epoch = current_epoch()
    return NextVictims(
        level=level,
        free_places=max(0, int(stored.max_positions) - len(members)),
        order_known=stored.roster_order_known,
        positions=[RankedPosition.of(found[address], epoch, rank=rank) for rank, address in enumerate(victims, 1)],
    )


def current_epoch() -> int:
    """The epoch of the last system reset."""
    return int(CurrentProtocol.objects.get().reset_epoch)
