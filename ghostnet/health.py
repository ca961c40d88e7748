"""Health endpoints for orchestrators: is the process alive, and may its answers be trusted?"""

import time
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, JsonResponse

from indexer.selectors import overview as selectors


def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 if the database answers, something is indexed and no alarm stands, else 503; each check says its part."""
    started = time.monotonic()
    try:
        alarms, checkpoint = selectors.standing_alarms(), selectors.checkpoint()
    except OperationalError as error:
        return _answer({"database": {"ok": False, "error": str(error).splitlines()[0]}})
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    return _answer(
        {
            "database": {"ok": True, "latency_ms": milliseconds},
            "indexed": {"ok": checkpoint is not None, "block": checkpoint.block_number if checkpoint else None},
            "alarms": {"ok": not alarms, **{alarm.kind: alarm.message for alarm in alarms}},
        }
    )


def _answer(checks: dict[str, dict[str, Any]]) -> JsonResponse:
    well = all(check["ok"] for check in checks.values())
    return JsonResponse({"status": "ready" if well else "not ready", "checks": checks}, status=200 if well else 503)
