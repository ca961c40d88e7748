"""How the indexer is: what an operator looks at first."""

import time
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from indexer.models import Audit, Checkpoint, OperatorRequest, QuarantinedLog, Reorg, UndecodedLog
from indexer.selectors.status import checkpoint, relay_lag, standing_alarms
from indexer.store.database import connect
from indexer.store.requests import is_paused
from indexer.timescale import status as timescale
from indexer.timescale.features import has_timescaledb

LAST_LOOK: Final = "status page's last look"
MOST_COUNTED: Final = 10_000


def status() -> dict[str, Any]:
    """The figures of the status page."""
    found = checkpoint()
    with connect() as opened:
        paused = is_paused(opened)
        tables = timescale.hypertables(opened) if has_timescaledb(connection) else []
    return {
        "checkpoint": found,
        "lag": None if found is None else max(0, found.chain_head - found.block_number),
        "age": None if found is None else (timezone.now() - found.indexed_at).total_seconds(),
        "blocks_per_second": None if found is None else _throughput(found),
        "paused": paused,
        "alarms": standing_alarms(),
        "waiting": OperatorRequest.objects.filter(done_at=None).count(),
        "relay_lag": relay_lag() if settings.GHOSTNET.iggy_url else None,
        "audit": Audit.objects.order_by("-id").first(),
        "reorgs": list(Reorg.objects.order_by("-id")[:10]),
        "undecoded": len(UndecodedLog.objects.values_list("id")[:MOST_COUNTED]),
        "quarantined": QuarantinedLog.objects.count(),
        "hypertables": tables,
    }


def _throughput(found: Checkpoint) -> float | None:
    """Blocks a second since somebody looked last; None for the first look."""
    now = time.monotonic()
    last: tuple[float, int] | None = cache.get(LAST_LOOK)
    cache.set(LAST_LOOK, (now, found.block_number), 600)
    return None if last is None or now <= last[0] else max(0, found.block_number - last[1]) / (now - last[0])
