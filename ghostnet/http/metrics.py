"""Prometheus metrics of the HTTP server."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter("api_requests", "Answers, by the path's pattern and the status", ["endpoint", "status"])
SECONDS: Final = Histogram(
    "api_request_duration_seconds",
    "Time from a request to its answer, by the path's pattern",
    ["endpoint"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
HITS: Final = Counter("cache_hits", "Answers from memory, or from a computation that was under way")
MISSES: Final = Counter("cache_misses", "Answers that had to be computed")
REFUSED_CONNECTIONS: Final = Counter(
    "connections_refused", "TCP connections that were closed at once, as their address had its share of them"
)
INDEXED: Final = Gauge(
    "api_indexed_block", "The last indexed block by the last commit notification; 0 while there is none"
)


@cache
def requests_of(endpoint: str, status: int) -> Counter:
    """The counter of an endpoint's answers with a status."""
    return REQUESTS.labels(endpoint, status)


@cache
def seconds_of(endpoint: str) -> Histogram:
    """The times of an endpoint's answers."""
    return SECONDS.labels(endpoint)
