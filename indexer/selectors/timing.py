"""The time that statements on Django's connections take, as a metric."""

import time
from collections.abc import Callable
from typing import Any, Final

from prometheus_client import Histogram

SECONDS: Final = Histogram(
    "db_query_duration_seconds",
    "Time that a statement took",
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)


def record_time(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement and record its time, whether or not it succeeds; an execute wrapper of Django's."""
    started = time.perf_counter()
    try:
        return execute(sql, parameters, many, context)
    finally:
        SECONDS.observe(time.perf_counter() - started)
