"""`/scans` and `/deaths`: trace scans, and the players who died in them."""

from typing import Annotated

from django.http import Http404
from ninja import Path, Router

from api import schemas
from api.answers import get
from api.inputs import AddressIn, LevelIn, LevelInPath, address_in, level_in, optional_level
from api.pagination import Cursor, Limit100, Limit1000, Page, paginate
from indexer.domain.units import DATA
from indexer.models import CurrentScan
from indexer.selectors import levels
from indexer.selectors import scans as selectors
from indexer.selectors.snapshot import IndexedBlock

scans = Router(tags=["scans"])
deaths = Router(tags=["deaths"])

ScanId = Annotated[int, Path(ge=1, le=DATA, description="Scans are numbered from 1 over all levels.")]


@get(scans, "", schemas.Scans, "Recent scans")
def recent_scans(
    checkpoint: IndexedBlock,
    level: LevelIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The newest first, as they stand."""
    return paginate(selectors.scans(optional_level(level)), cursor, limit)


@get(scans, "/{level}/next", schemas.NextScan, "The next scan of a level")
def next_scan(checkpoint: IndexedBlock, level: LevelInPath) -> schemas.NextScan:
    """When it may be executed; `seconds_remaining` counts from the indexed block's time, and is 0 once it is due."""
    return schemas.NextScan.of_level(levels.level(level_in(level)), checkpoint.timestamp)


@get(scans, "/{level}/{scan_id}", schemas.Scan, "A scan")
def one_scan(checkpoint: IndexedBlock, level: LevelInPath, scan_id: ScanId) -> CurrentScan:
    """A scan as it stands; the cascade is null until it is finalized, and if nobody died."""
    return _find(level, scan_id)


@get(scans, "/{level}/{scan_id}/deaths", schemas.Deaths, "Who died in a scan")
def scan_deaths(
    checkpoint: IndexedBlock,
    level: LevelInPath,
    scan_id: ScanId,
    limit: Limit1000 = 100,
    cursor: Cursor = None,
) -> Page:
    """The last death first."""
    _find(level, scan_id)
    return paginate(selectors.deaths_in(scan_id), cursor, limit)


@get(deaths, "", schemas.Deaths, "Recent deaths")
def recent_deaths(
    checkpoint: IndexedBlock,
    level: LevelIn = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """Individual players, the last death first."""
    return paginate(selectors.deaths(optional_level(level)), cursor, limit)


@get(deaths, "/{address}", schemas.Deaths, "A player's deaths")
def player_deaths(
    checkpoint: IndexedBlock,
    address: AddressIn,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """The last one first."""
    return paginate(selectors.deaths_of(address_in(address)), cursor, limit)


def _find(level: str, scan_id: int) -> CurrentScan:
    scan = selectors.scan(level_in(level), scan_id)
    if scan is None:
        raise Http404(f"level {level} has no scan {scan_id}")
    return scan
