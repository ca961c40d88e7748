"""Delivery: frames for many clients are sent one lot after another, and in slices, between which others have a turn."""

import asyncio
from typing import Final

FRAMES_AT_ONCE: Final = 50
"""Frames that are sent without giving way, which takes less than a millisecond: requests wait for no more."""


class Delivery(asyncio.Lock):
    """A lock, held while items are on their way to all their subscribers; belongs to one event loop.

    Who subscribes or unsubscribes a client, or begins or ends its replay, holds it too: for each client an item is
    either sent as a whole before that or after it, and the hub's cursor is what all clients have been sent.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0

    async def sent(self) -> None:
        """Count a frame that was sent; let others have their turn if that makes FRAMES_AT_ONCE."""
        self._frames += 1
        if self._frames >= FRAMES_AT_ONCE:
            self._frames = 0
            await asyncio.sleep(0)
