"""The figures of the admin's status page."""

import time
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from indexer.models import Checkpoint
from indexer.selectors import operations
from indexer.selectors.rows import raw_connection
from indexer.selectors.status import checkpoint, pulse, relay_lag, standing_alarms
from indexer.timescale import status as timescale
from indexer.timescale.features import has_timescaledb

LAST_LOOK: Final = "status page's last look"
LAST_LOOK_SECONDS: Final = 600
REORGS: Final = 10


def status() -> dict[str, Any]:
    """The indexer's progress, what is wrong with its data, and the sizes of its tables; times in seconds."""
    found = checkpoint()
    alive = None if found is None else pulse()
    raw = raw_connection()
    return {
        "checkpoint": found,
        "pulse": alive,
        "lag": None if found is None or alive is None else max(0, alive.chain_head - found.block_number),
        "age": None if found is None else (timezone.now() - found.indexed_at).total_seconds(),
        "blocks_per_second": None if found is None else _throughput(found),
        "paused": operations.is_paused(),
        "alarms": standing_alarms(),
        "waiting": operations.waiting_request_count(),
        "relay_lag": relay_lag() if settings.GHOSTNET.iggy_url else None,
        "audit": operations.last_audit(),
        "reorgs": operations.last_reorgs(REORGS),
        "undecoded": operations.undecoded_count(),
        "quarantined": operations.quarantined_count(),
        "hypertables": timescale.hypertables(raw) if has_timescaledb(raw) else [],
    }


def _throughput(found: Checkpoint) -> float | None:
    """Blocks per second since the page was last asked for; None for the first time."""
    now = time.monotonic()
    last: tuple[float, int] | None = cache.get(LAST_LOOK)
    cache.set(LAST_LOOK, (now, found.block_number), LAST_LOOK_SECONDS)
    return None if last is None or now <= last[0] else max(0, found.block_number - last[1]) / (now - last[0])
