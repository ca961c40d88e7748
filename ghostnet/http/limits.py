"""The rate limit per client."""

import time
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.types import Scope

from ghostnet.http.clients import client_of


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """Whether a request is within the limit, and the `RateLimit-*` headers of its answer."""

    allowed: bool
    headers: list[tuple[bytes, bytes]]


class RequestLimit:
    """Allows each client of this process `per_minute` requests a minute; 0 for any number."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def count(self, scope: Scope) -> CountedRequest:
        """Count a request of the scope's client."""
        if self._item is None:
            return CountedRequest(True, [])
        client = client_of(scope)
        allowed = self._limiter.hit(self._item, client)
        window = self._limiter.get_window_stats(self._item, client)
        wait = max(0, ceil(window.reset_time - time.time()))
        headers = [
            (b"RateLimit-Limit", str(self._item.amount).encode()),
            (b"RateLimit-Remaining", str(window.remaining).encode()),
            (b"RateLimit-Reset", str(wait).encode()),
        ]
        return CountedRequest(allowed, headers if allowed else [*headers, (b"Retry-After", str(max(1, wait)).encode())])
