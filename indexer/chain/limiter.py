"""How many requests are under way at once: fewer where a node wants fewer."""

import asyncio
from typing import Final

MOST_AT_ONCE: Final = 16


class Limiter:
    """At most so many requests at once: fewer after each refusal, slowly more again."""

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
        """The node wanted fewer."""
        self._allowed = max(1.0, self._allowed / 2)

    def succeeded(self) -> None:
        """The node refused nothing."""
        self._allowed = min(MOST_AT_ONCE, self._allowed + 0.05)
