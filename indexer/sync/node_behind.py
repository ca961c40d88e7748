"""How long the node's head has been below the last indexed block: a machine that merely lags catches up soon."""

import time

BEHIND_SECONDS = 60.0
"""Seconds after which a head below the last indexed block is reported."""


class NodeBehind:
    """Compares the node's head with the last indexed block, as often as the loop turns."""

    def __init__(self) -> None:
        self._since: float | None = None
        """Since when (of the monotonic clock) the head is below, or was last found to be so for long."""

    def is_due(self, head: int | None, tip: int) -> bool:
        """Whether the head has been below block `tip` for BEHIND_SECONDS; if so, again after as long."""
        now = time.monotonic()
        if head is None or head >= tip:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < BEHIND_SECONDS:
            return False
        self._since = now
        return True
