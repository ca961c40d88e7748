"""Pages of logs and their cursors, as eth_getLogsWithCursor returns them."""

from collections.abc import Iterable
from typing import Final

from indexer.replay.rendering import LogFilter, ServedBlock

_COUNT_BITS: Final = 32


def logs_page(
    blocks: Iterable[ServedBlock], log_filter: LogFilter, size: int, given: int = 0
) -> tuple[list[bytes], str | None]:
    """At most `size` logs that pass a filter, and the cursor of the next page: None if there are no more.

    `given` is how many logs of the first block earlier pages had.
    """
    page: list[bytes] = []
    for block in blocks:
        logs, room = block.logs_matching(log_filter)[given:], size - len(page)
        if len(logs) > room:
            return page + logs[:room], f"0x{block.number << _COUNT_BITS | (given + room):016x}"
        page += logs
        given = 0
    return page, None


def read_cursor(cursor: str) -> tuple[int, int]:
    """The block where the next page begins, and how many logs of it are given already. Raises ValueError."""
    value = int(cursor, 16)
    return value >> _COUNT_BITS, value & ((1 << _COUNT_BITS) - 1)
