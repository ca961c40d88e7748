"""The figures of the admin's status page."""

import time
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from ghostnet.admin.runbook import advice_on_alarm, advice_on_state, runbook
from ghostnet.admin.timeline import timeline
from ghostnet.pages.service_state import service_state
from indexer.models import Checkpoint
from indexer.selectors import operations
from indexer.selectors.rows import raw_connection
from indexer.selectors.sizes import database_size, largest_tables
from indexer.selectors.status import checkpoint, pulse, relay_lag
from indexer.timescale import status as timescale
from indexer.timescale.features import has_timescaledb

SAMPLES: Final = "status_page_samples"
"""The cache's key of the status page's recent samples: a time and the block indexed then."""
SAMPLE_WINDOW_SECONDS: Final = 60
MIN_WINDOW_SECONDS: Final = 2
MAX_SAMPLES: Final = 100
"""Seconds over which the throughput is measured, the least number of seconds for it, and the samples that are kept."""
TABLES: Final = 12
DAY: Final = timedelta(days=1)


def status() -> dict[str, Any]:
    """The verdict, the indexer's progress, what happened in the last day, and the sizes of its tables."""
    found = checkpoint()
    alive = None if found is None else pulse()
    raw = raw_connection()
    verdict = service_state()
    return {
        "verdict": verdict,
        "alarms": [(alarm, advice_on_alarm(alarm.kind)) for alarm in verdict.alarms],
        "advice": None if verdict.alarms else advice_on_state(verdict.state, stalled=alive is None or alive.stalled),
        "has_runbook": bool(runbook()),
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
    """Blocks per second since the oldest sample of the last SAMPLE_WINDOW_SECONDS; None until one is MIN_WINDOW_SECONDS
    old."""
    now = time.monotonic()
    samples: list[tuple[float, int]] = [
        (at, number) for at, number in cache.get(SAMPLES, []) if 0 <= now - at <= SAMPLE_WINDOW_SECONDS
    ]
    cache.set(SAMPLES, [*samples, (now, found.block_number)][-MAX_SAMPLES:], SAMPLE_WINDOW_SECONDS)
    if not samples or now - samples[0][0] < MIN_WINDOW_SECONDS:
        return None
    since, number = samples[0]
    return max(0, found.block_number - number) / (now - since)
