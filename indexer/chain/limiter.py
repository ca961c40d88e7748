"""Limit concurrent requests: fewer after each refusal, gradually more after successes."""

import asyncio
from typing import Final

MAX_CONCURRENT_REQUESTS: Final = 16


class Limiter:
    """Limits concurrent requests, as an asynchronous context manager around each; at most MAX_CONCURRENT_REQUESTS."""

    def __init__(self) -> None:
        self._allowed: float = MAX_CONCURRENT_REQUESTS
        self._active = 0
        self._freed = asyncio.Condition()

    async def __aenter__(self) -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._active < max(1, int(self._allowed)))
            self._active += 1

    async def __aexit__(self, *exception: object) -> None:
        async with self._freed:
            self._active -= 1
            self._freed.notify_all()

    def record_refusal(self) -> None:
        """Halve the limit, after the node refused a request for their rate."""
        self._allowed = max(1.0, self._allowed / 2)

    def record_success(self) -> None:
        """Raise the limit a little, after a request without such a refusal."""
        self._allowed = min(MAX_CONCURRENT_REQUESTS, self._allowed + 0.05)
