"""`/scans` and `/deaths`: trace scans and who died in them."""

from typing import Annotated, Any

from django.http import Http404
from ninja import Path, Router

from api import schemas
from api.answers import get
from api.inputs import LEVEL_PATTERN, AddressIn, LevelIn, address_in, level_in
from api.pagination import Cursor, Limit100, Limit1000, Page, paginate
from indexer.domain.units import DATA
from indexer.models import CurrentLevel, CurrentScan, Death
from indexer.selectors.snapshot import IndexedBlock

scans = Router(tags=["scans"])
deaths = Router(tags=["deaths"])

LevelInPath = Annotated[str, Path(pattern=LEVEL_PATTERN, description="A level by number or name.")]
ScanId = Annotated[int, Path(ge=1, le=DATA, description="Scans are numbered from 1 over all levels.")]


@get(scans, "", schemas.Scans, "Recent scans")
def recent_scans(
    checkpoint: IndexedBlock,
    level: LevelIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The newest first, as they stand."""
    rows = CurrentScan.objects.all()
    if level is not None:
        rows = rows.filter(level=level_in(level))
    return paginate(rows, ("scan_id",), cursor, limit, _scan)


@get(scans, "/{level}/next", schemas.NextScan, "The next scan of a level")
def next_scan(checkpoint: IndexedBlock, level: LevelInPath) -> dict[str, Any]:
    """When it may be executed; `seconds_remaining` counts from the indexed block's time, and is 0 once it is due."""
    row = CurrentLevel.objects.get(level=level_in(level))
    return {
        "level": schemas.LevelName.of(row.level),
        "next_scan_at": int(row.next_scan_time),
        "seconds_remaining": max(0, int(row.next_scan_time) - checkpoint.timestamp),
    }


@get(scans, "/{level}/{scan_id}", schemas.Scan, "A scan")
def one_scan(checkpoint: IndexedBlock, level: LevelInPath, scan_id: ScanId) -> dict[str, Any]:
    """A scan as it stands; the cascade is null until it is finalized, and if nobody died."""
    return _scan(_find(level, scan_id))


@get(scans, "/{level}/{scan_id}/deaths", schemas.Deaths, "Who died in a scan")
def scan_deaths(
    checkpoint: IndexedBlock,
    level: LevelInPath,
    scan_id: ScanId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """The last to die first."""
    scan = _find(level, scan_id)
    return paginate(Death.objects.filter(scan_id=scan.scan_id), ("id",), cursor, limit, _death)


@get(deaths, "", schemas.Deaths, "Recent deaths")
def recent_deaths(
    checkpoint: IndexedBlock,
    level: LevelIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """Individual players, the last to die first."""
    rows = Death.objects.all()
    if level is not None:
        rows = rows.filter(level=level_in(level))
    return paginate(rows, ("id",), cursor, limit, _death)


@get(deaths, "/{address}", schemas.Deaths, "A player's deaths")
def player_deaths(
    checkpoint: IndexedBlock,
    address: AddressIn,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The last one first."""
    return paginate(Death.objects.filter(address=address_in(address)), ("id",), cursor, limit, _death)


def _find(level: str, scan_id: int) -> CurrentScan:
    scan = CurrentScan.objects.filter(level=level_in(level), scan_id=scan_id).first()
    if scan is None:
        raise Http404(f"level {level} has no scan {scan_id}")
    return scan


def _scan(scan: CurrentScan) -> dict[str, Any]:
    cascade = None
    if scan.same_level_amount is not None:
        cascade = {
            "same_level": scan.same_level_amount,
            "upstream": scan.upstream_amount,
            "burn": scan.burn_amount,
            "protocol": scan.protocol_amount,
            "burned": scan.burned,
        }
    return {
        "scan_id": int(scan.scan_id),
        "level": schemas.LevelName.of(scan.level),
        "state": scan.step,
        "seed": scan.seed,
        "executed_at": int(scan.executed_at),
        "finalized_at": None if scan.finalized_at is None else int(scan.finalized_at),
        "batches": scan.batches,
        "death_count": scan.death_count,
        "total_dead": scan.total_dead,
        "survivor_count": scan.survivor_count,
        "cascade": cascade,
        "block": scan.block_number,
        "tx": scan.tx_hash,
    }


def _death(death: Death) -> dict[str, Any]:
    return {
        "address": death.address,
        "level": death.level,
        "scan_id": int(death.scan_id),
        "amount": death.amount,
        "streak": death.streak,
        "time": death.block_time,
        "block": death.block_number,
        "tx": death.tx_hash,
    }
