"""Health endpoints for orchestrators: started, alive, ready."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse

from indexer.base.errors import GhostnetError
from indexer.chain.client import NodeClient
from indexer.chain.proof import Proof
from indexer.selectors import status as selectors
from indexer.store.schema import missing_migrations, schema_failure

Check = dict[str, Any]

NODE_SECONDS: Final = 2.0
NODE_CACHED_SECONDS: Final = 1.0
"""How long a node's answer is kept: health checks, however frequent, must not load the node."""


def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process can answer."""
    return JsonResponse({"status": "ok"})


def startup(request: HttpRequest) -> JsonResponse:
    """200 once the database answers and has all migrations of this version of the code, else 503; more are no harm."""
    return _answer({"database": _timed(_migrations)}, {"database"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 if answers are to be relied on, else 503; with the result of each check.

    A node that does not answer, or a stream that lags, makes the status `degraded` only: what is indexed is still
    right, and an outage of the node or the broker must not take all web processes out of service.
    """
    checks = {"database": _timed(_indexed)}
    if checks["database"]["ok"]:
        checks["alarms"] = _timed(_alarms)
        checks["indexed"] = {"ok": checks["database"]["block"] is not None, "block": checks["database"].pop("block")}
        checks["stream"] = _timed(_stream)
    checks["node"] = _timed(_node)
    if checks["node"]["ok"] and checks.get("indexed", {}).get("ok"):
        lag = max(0, checks["node"]["block"] - checks["indexed"]["block"])
        most = settings.GHOSTNET.ready_lag
        checks["lag"] = {"ok": lag <= most, "blocks": lag, "most": most}
    return _answer(checks, {"database", "alarms", "indexed", "lag"})


def _timed(check: Callable[[], Check]) -> Check:
    started = time.monotonic()
    try:
        found = {"ok": True, **check()}
    except Error as error:
        mismatch = schema_failure(error)
        found = {"ok": False, "error": str(error).splitlines()[0] if mismatch is None else str(mismatch)}
    return {**found, "latency_ms": round((time.monotonic() - started) * 1000, 1)}


def _migrations() -> Check:
    missing = missing_migrations(connection)
    return {"ok": not missing, "missing_migrations": [".".join(migration) for migration in missing]}


def _indexed() -> Check:
    checkpoint = selectors.checkpoint()
    return {"block": None if checkpoint is None else checkpoint.block_number}


def _alarms() -> Check:
    alarms = {alarm.kind: alarm.message for alarm in selectors.standing_alarms()}
    return {"ok": not alarms, **alarms}


def _stream() -> Check:
    """Whether the relay has published what is indexed; without a broker there is nothing to publish to."""
    if settings.GHOSTNET.iggy_url is None:
        return {"source": "database"}
    lag = selectors.relay_lag()
    return {"ok": lag <= settings.GHOSTNET.ready_lag, "source": "iggy", "lag_blocks": lag}


def _node() -> Check:
    found: Check | None = cache.get(_NODE_KEY)
    if found is None:
        found = asyncio.run(_fetch_head())
        cache.set(_NODE_KEY, found, NODE_CACHED_SECONDS)
    return found


_NODE_KEY: Final = "chain_head"


async def _fetch_head() -> Check:
    proof = Proof(settings.GHOSTNET.deployment.chain_id)
    async with NodeClient(settings.GHOSTNET.rpc_urls, NODE_SECONDS, proof) as node:
        try:
            return {"block": await node.number("eth_blockNumber")}
        except GhostnetError as error:
            return {"ok": False, "error": error.message}


def _answer(checks: dict[str, Check], needed: set[str]) -> JsonResponse:
    failed = {name for name, check in checks.items() if not check["ok"]}
    status = "not ready" if failed & needed else "degraded" if failed else "ready"
    return JsonResponse({"status": status, "checks": checks}, status=503 if failed & needed else 200)
