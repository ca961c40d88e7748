"""How many blocks to ask for at once: as many as make a good answer."""

from typing import Final

TARGET_LOGS: Final = 16_000
MOST_BLOCKS: Final = 2_000


class AdaptiveRange:
    """The number of blocks of the next request: it aims at 16,000 logs, grows at most twofold, halves on refusal."""

    def __init__(self, first: int = 100, most: int | None = None) -> None:
        self._most = most or MOST_BLOCKS
        self.size = min(first, self._most)

    def succeeded(self, blocks: int, logs: int) -> None:
        """An answer for so many blocks held so many logs."""
        fitting = blocks * TARGET_LOGS // logs if logs else 2 * self.size
        self.size = max(1, min(fitting, 2 * self.size, self._most))

    def refused(self, blocks: int) -> None:
        """So many blocks were too many."""
        self.size = max(1, min(self.size, blocks // 2))
