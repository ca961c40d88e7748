"""Trace scans as they stand, and the players who died in them."""

from indexer.domain.units import Address
from indexer.models import CurrentScan, Death
from indexer.selectors.listing import Listing


def scans(level: int | None = None) -> Listing[CurrentScan]:
    """Scans of a level, or of all, the newest first."""
    rows = CurrentScan.objects.all()
    return Listing(rows if level is None else rows.filter(level=level), ("scan_id",))


def scan(level: int, scan_id: int) -> CurrentScan | None:
    """A scan of a level; None if there is none."""
    return CurrentScan.objects.filter(level=level, scan_id=scan_id).first()


def running() -> dict[int, CurrentScan]:
    """The scans that have begun and not ended, the newest of each level."""
    return {row.level: row for row in CurrentScan.objects.filter(finalized_at=None).order_by("scan_id")}


def deaths(level: int | None = None) -> Listing[Death]:
    """Deaths on a level, or on all, the last one first."""
    rows = Death.objects.all()
    return Listing(rows if level is None else rows.filter(level=level))


def deaths_in(scan_id: int) -> Listing[Death]:
    """Deaths in a scan, the last one first."""
    return Listing(Death.objects.filter(scan_id=scan_id))


def deaths_of(player: Address) -> Listing[Death]:
    """A player's deaths, the last one first."""
    return Listing(Death.objects.filter(address=player))
