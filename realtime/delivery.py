"""Send frames to many clients in order, and yield to other tasks after every FRAMES_AT_ONCE frames."""

import asyncio
from typing import Final

FRAMES_AT_ONCE: Final = 50
"""Frames that are sent without yielding, which takes less than a millisecond: requests wait for no longer."""


class Delivery(asyncio.Lock):
    """A lock, held while items are on their way to all their subscribers; belongs to one event loop.

    Hold it also while a client subscribes or unsubscribes, or begins or ends a replay: each item is then sent either
    entirely before that or entirely after it, and all clients have been sent everything up to the hub's cursor.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0

    async def sent(self) -> None:
        """Count a frame that was sent; yield to other tasks if that makes FRAMES_AT_ONCE."""
        self._frames += 1
        if self._frames >= FRAMES_AT_ONCE:
            self._frames = 0
            await asyncio.sleep(0)
