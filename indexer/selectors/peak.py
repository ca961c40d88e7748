"""The most players that were ever alive at the end of a block: computed once per process, then continued."""

import threading
from dataclasses import dataclass
from typing import Any, Final

from indexer.domain.units import LOG_INDEX_BITS, block_of, first_id
from indexer.selectors.rows import fetch_rows
from indexer.selectors.snapshot import IndexedBlock

SETTLED: Final = 512
"""Blocks below the last one up to which the maximum is kept; what is above is read again each time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The maximum up to the id `before`, of the chain as it was after the reorg `reorg`."""

    before: int
    reorg: int
    most: int


_NONE: Final = _Kept(0, 0, 0)
_kept: dict[str, _Kept] = {}
_lock = threading.Lock()

_REORG: Final = "SELECT coalesce(max(id), 0) FROM reorgs WHERE ancestor_number < %(block)s"
_MOST: Final = f"""
    WITH base AS (
        SELECT level, coalesce((
            SELECT alive_count FROM level_states AS s WHERE s.level = l.level AND id < %(first)s
            ORDER BY id DESC LIMIT 1
        ), 0) AS players FROM current_levels AS l
    ), moves AS (
        SELECT id >> {LOG_INDEX_BITS} AS block, sum(alive_count - coalesce(earlier, players)) AS change FROM (
            SELECT id, level, alive_count, lag(alive_count) OVER (PARTITION BY level ORDER BY id) AS earlier
            FROM level_states WHERE id >= %(first)s AND id < %(end)s
        ) AS states JOIN base USING (level) GROUP BY 1
    )
    SELECT coalesce(max(total), 0) FROM (
        SELECT sum(change) OVER (ORDER BY block) + (SELECT sum(players) FROM base) AS total FROM moves
        UNION ALL SELECT sum(players) FROM base
    ) AS totals
"""


def most_players(block: IndexedBlock) -> int:
    """The maximum up to the last indexed block.

    What lies deep below it is not read again, unless a reorg has reached it.
    """
    settled = max(0, block.block_number - SETTLED)
    name = f"{block.chain_id} {block.start_block}"
    with _lock:
        kept = _kept.get(name, _NONE)
    if kept.before and _last_reorg(block_of(kept.before)) != kept.reorg:
        kept = _NONE
    if first_id(settled) - kept.before >= first_id(SETTLED) or (settled and not kept.before):
        most = max(kept.most, _most(kept.before, first_id(settled)))
        kept = _Kept(first_id(settled), _last_reorg(settled), most)
        with _lock:
            _kept[name] = kept
    return max(kept.most, _most(kept.before, first_id(block.block_number + 1)))


def _last_reorg(block: int) -> int:
    """The last reorg that dropped a block below this one."""
    rows: list[tuple[Any, ...]] = fetch_rows(_REORG, {"block": block})
    return int(rows[0][0])


def _most(first: int, end: int) -> int:
    rows = fetch_rows(_MOST, {"first": first, "end": end})
    return int(rows[0][0] or 0)
