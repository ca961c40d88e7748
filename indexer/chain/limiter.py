"""Limit concurrent requests: fewer after each refusal, gradually more after successes."""

import asyncio
from typing import Final

MOST_AT_ONCE: Final = 16


class Limiter:
    """Limits concurrent requests, as an asynchronous context manager around each; at most MOST_AT_ONCE."""

    def __init__(self) -> None:
        self._allowed: float = MOST_AT_ONCE
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

    def refused(self) -> None:
        """Halve the limit, after the node refused a request for their rate."""
        self._allowed = max(1.0, self._allowed / 2)

    def succeeded(self) -> None:
        """Raise the limit a little, after a request without such a refusal."""
        self._allowed = min(MOST_AT_ONCE, self._allowed + 0.05)
