"""The most players that were ever alive at the end of a block: computed once per process, then continued."""

from dataclasses import dataclass
from typing import Final

from indexer.domain.units import LOG_INDEX_BITS, first_id
from indexer.selectors.rows import fetch_rows
from indexer.selectors.snapshot import IndexedBlock

KEPT_BELOW_HEAD: Final = 512
"""Blocks below the last one up to which the maximum is kept; what is above is read again each time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The maximum below the block `before`; `reorg` is the last reorg that dropped one of these blocks, 0 for none."""

    before: int
    reorg: int
    most: int


_NONE: Final = _Kept(0, 0, 0)
_kept: dict[str, _Kept] = {}

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
    SELECT
        (SELECT coalesce(max(id), 0) FROM reorgs WHERE ancestor_number < %(kept)s),
        (SELECT coalesce(max(id), 0) FROM reorgs WHERE ancestor_number < %(before)s),
        coalesce(max(total), 0)
    FROM (
        SELECT sum(change) OVER (ORDER BY block) + (SELECT sum(players) FROM base) AS total FROM moves
        UNION ALL SELECT sum(players) FROM base
    ) AS totals
"""


def most_players(block: IndexedBlock) -> int:
    """The maximum up to the last indexed block.

    What lies deep below it is not read again, unless a reorg has reached it.
    """
    name = f"{block.chain_id} {block.start_block}"
    bound = max(0, block.block_number - KEPT_BELOW_HEAD)
    kept = _kept.get(name, _NONE)
    while True:
        is_due = bound - kept.before >= KEPT_BELOW_HEAD or (bound > 0 and kept.before == 0)
        found = _continued(kept, bound if is_due else block.block_number + 1)
        if found is None:
            kept = _NONE
        elif is_due:
            kept = _kept[name] = found
        else:
            return found.most


def _continued(kept: _Kept, before: int) -> _Kept | None:
    """The maximum below a later block; None if a reorg has reached what was kept."""
    parameters = {"kept": kept.before, "first": first_id(kept.before), "before": before, "end": first_id(before)}
    ((known, reorg, most),) = fetch_rows(_MOST, parameters)
    return None if kept.before and known != kept.reorg else _Kept(before, int(reorg), max(kept.most, int(most)))
