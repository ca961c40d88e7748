"""How a node can be read: by logs, each range compared with the contracts' state, or by full blocks."""

import logging
from enum import StrEnum
from typing import Final

logger = logging.getLogger(__name__)

RECENT_BLOCKS: Final = 128
"""Distance to the head in blocks up to which nodes without history have the state."""


class FullBlocks(StrEnum):
    """When blocks are fetched with all their transactions (`GHOSTNET_FULL_BLOCKS`)."""

    AUTO = "auto"
    """Where the node does not have the contracts' state."""
    ALWAYS = "always"
    NEVER = "never"


class StateAvailability:
    """Whether the node has the contracts' state of old blocks, as far as its answers so far have shown."""

    def __init__(self, full_blocks: FullBlocks) -> None:
        self._full_blocks = full_blocks
        self._pruned: bool | None = None
        self.is_shown = False
        """Whether the node had the state that was requested last."""

    @property
    def is_known(self) -> bool:
        """Whether it is known if the node has the state of old blocks."""
        return self._pruned is not None

    def reset_after_node_change(self) -> None:
        """Note that another node may be in use: state that no node had is requested again."""
        self._pruned = None if self._pruned else self._pruned
        self.is_shown = False

    def needs_full_blocks(self, first: int, head: int) -> bool:
        """Whether a range that begins at block `first` is fetched in full without trying to read the state."""
        if self._full_blocks is not FullBlocks.AUTO:
            return self._full_blocks is FullBlocks.ALWAYS
        return bool(self._pruned) and first < head - RECENT_BLOCKS

    def bounded(self, first: int, last: int, head: int) -> int:
        """The last block of a range from `first` to at most `last`.

        Unless the node is known to have the state of old blocks, a range does not reach from those to the recent ones:
        the state at its end would then show changes whose block can't be found.
        """
        oldest = head - RECENT_BLOCKS
        return min(last, oldest - 1) if first < oldest and self._pruned is not False else last

    def may_have_state(self, last: int, head: int) -> bool:
        """Whether the node may have the state after block `last`."""
        return not self._pruned or last >= head - RECENT_BLOCKS

    def record_available(self, last: int, head: int) -> None:
        """Note that the node returned the state after block `last`."""
        self.is_shown = True
        if self._pruned is None and last < head - RECENT_BLOCKS:
            self._pruned = False
            logger.info(
                "the node has the contracts' state of old blocks: logs are fetched by ranges, each one is checked"
            )

    @property
    def may_fetch_in_full(self) -> bool:
        """Whether blocks without state are fetched with all their transactions."""
        return self._full_blocks is not FullBlocks.NEVER

    def record_unavailable(self, last: int, head: int, why: str) -> None:
        """Note that the node lacks the state after block `last`."""
        self.is_shown = False
        if last < head - RECENT_BLOCKS and not self._pruned:
            self._pruned = True
            logger.warning(
                "the node lacks the contracts' state of old blocks (%s): %s; docs/operations.md says what it costs",
                why,
                "changes without a log stay unseen there (GHOSTNET_FULL_BLOCKS=never)"
                if self._full_blocks is FullBlocks.NEVER
                else "all transactions are fetched instead",
            )
