"""The figures of the admin's status page."""

import time
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from ghostnet.admin.runbook import runbooks_of
from ghostnet.pages.standing import standing
from indexer.models import Checkpoint
from indexer.selectors import operations
from indexer.selectors.rows import raw_connection
from indexer.selectors.sizes import database_size, largest_tables
from indexer.selectors.status import checkpoint, pulse, relay_lag
from indexer.selectors.timeline import timeline
from indexer.timescale import status as timescale
from indexer.timescale.features import has_timescaledb

LAST_LOOK: Final = "status page's last look"
LAST_LOOK_SECONDS: Final = 600
TABLES: Final = 12
DAY: Final = timedelta(days=1)


def status() -> dict[str, Any]:
    """The verdict, the indexer's progress, what happened in the last day, and the sizes of its tables."""
    found = checkpoint()
    alive = None if found is None else pulse()
    raw = raw_connection()
    verdict = standing()
    return {
        "verdict": verdict,
        "runbooks": runbooks_of(verdict),
        "checkpoint": found,
        "pulse": alive,
        "lag": None if found is None or alive is None else max(0, alive.chain_head - found.block_number),
        "blocks_per_second": None if found is None else _throughput(found),
        "waiting": operations.waiting_request_count(),
        "relay_lag": relay_lag() if settings.GHOSTNET.iggy_url else None,
        "audit": operations.last_audit(),
        "undecoded": operations.undecoded_count(),
        "quarantined": operations.quarantined_count(),
        "timeline": timeline(timezone.now() - DAY),
        "database_size": database_size(),
        "hypertables": timescale.hypertables(raw) if has_timescaledb(raw) else [],
        "tables": largest_tables(TABLES),
    }


def _throughput(found: Checkpoint) -> float | None:
    """Blocks per second since the page was last asked for; None for the first time."""
    now = time.monotonic()
    last: tuple[float, int] | None = cache.get(LAST_LOOK)
    cache.set(LAST_LOOK, (now, found.block_number), LAST_LOOK_SECONDS)
    return None if last is None or now <= last[0] else max(0, found.block_number - last[1]) / (now - last[0])
