"""The vitals of the game: value locked, players, levels, the system reset, and the last hour."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from indexer.domain.positions import Action
from indexer.domain.units import ZERO_ADDRESS, first_id
from indexer.selectors.flows import IS_EXIT
from indexer.selectors.peak import most_players
from indexer.selectors.rows import fetch_rows
from indexer.selectors.snapshot import IndexedBlock
from indexer.selectors.stats import Flow

HOUR: Final = timedelta(hours=1)
MAX_BLOCKS: Final = 10_000
"""More blocks than an hour has, at one a second: where no header from before the hour is stored any more."""


@dataclass(frozen=True, slots=True)
class LevelVitals:
    """A level as it stands: stakes in wei, rates in basis points, times in unix seconds."""

    level: int
    total_staked: int
    players: int
    max_positions: int
    death_rate_bps: int
    scan_interval_seconds: int
    min_stake: int
    culling_bottom_bps: int
    culling_penalty_bps: int
    next_scan_at: int
    last_scan_id: int | None
    last_scan_at: int | None

    @property
    def free_places(self) -> int:
        return max(0, self.max_positions - self.players)


@dataclass(frozen=True, slots=True)
class ResetVitals:
    """The timer of the system reset; times in unix seconds."""

    deadline: int
    last_depositor: str | None
    last_deposit_at: int
    epoch: int
    penalty_bps: int


@dataclass(frozen=True, slots=True)
class LastHour:
    """What happened in the hour up to a block; amounts in wei."""

    entries: Flow
    additions: Flow
    exits: Flow
    culled: Flow
    deaths: Flow
    burned: int


@dataclass(frozen=True, slots=True)
class Network:
    """The game's vitals after a block."""

    total_value_locked: int
    players: int
    players_high: int
    paused: bool
    levels: list[LevelVitals]
    reset: ResetVitals
    last_hour: LastHour


_BEFORE: Final = "SELECT number FROM blocks WHERE timestamp <= %(since)s ORDER BY number DESC LIMIT 1"
_LAST: Final = "id >= %(first)s AND block_time > %(since)s"
_VITALS: Final = f"""
    SELECT
        g.total_value_locked, g.paused,
        g.reset_deadline, g.reset_last_depositor, g.reset_last_deposit_time, g.reset_epoch, g.reset_penalty_bps,
        moves.*, culled.*, died.*, burned.*,
        l.level, l.total_staked, l.alive_count, l.max_positions, l.base_death_rate_bps, l.scan_interval, l.min_stake,
        l.culling_bottom_bps, l.culling_penalty_bps, l.next_scan_time, last_scan.*
    FROM current_levels AS l
    LEFT JOIN LATERAL (
        SELECT scan_id, executed_at FROM current_scans WHERE level = l.level ORDER BY scan_id DESC LIMIT 1
    ) AS last_scan ON true
    CROSS JOIN current_protocol AS g
    CROSS JOIN (
        SELECT count(*) FILTER (WHERE action = '{Action.JACKED_IN}'),
            coalesce(sum(amount_change) FILTER (WHERE action = '{Action.JACKED_IN}'), 0),
            count(*) FILTER (WHERE action = '{Action.STAKE_ADDED}'),
            coalesce(sum(amount_change) FILTER (WHERE action = '{Action.STAKE_ADDED}'), 0),
            count(*) FILTER (WHERE {IS_EXIT}), coalesce(-sum(amount_change) FILTER (WHERE {IS_EXIT}), 0)
        FROM positions WHERE {_LAST}
    ) AS moves
    CROSS JOIN (SELECT count(*), coalesce(sum(amount), 0) FROM cullings WHERE {_LAST}) AS culled
    CROSS JOIN (SELECT count(*), coalesce(sum(amount), 0) FROM deaths WHERE {_LAST}) AS died
    CROSS JOIN (
        SELECT coalesce(sum(amount), 0) FROM (
            SELECT (args->>'amount')::numeric FROM chain_events WHERE name = 'TaxBurned' AND {_LAST}
            UNION ALL SELECT burned FROM scans WHERE step = 'finalized' AND {_LAST}
            UNION ALL SELECT burned FROM cullings WHERE {_LAST}
            UNION ALL SELECT burned FROM system_resets WHERE {_LAST}
            UNION ALL SELECT burned FROM rounds WHERE action = 'resolved' AND {_LAST}
            UNION ALL SELECT data_burned FROM buybacks WHERE {_LAST}
        ) AS burns (amount)
    ) AS burned
    ORDER BY l.level
"""


def network(block: IndexedBlock) -> Network:
    """The vitals after the last indexed block."""
    rows = fetch_rows(_VITALS, {"first": _first_of_hour(block), "since": block.block_time - HOUR})
    tvl, paused, *rest = rows[0][:18] if rows else _NOTHING
    deadline, depositor, deposited, epoch, penalty, *flows, burned = rest
    entries, additions, exits, culled, died = (Flow(*flows[index : index + 2]) for index in range(0, 10, 2))
    levels = [LevelVitals(*row[18:]) for row in rows]
    return Network(
        total_value_locked=tvl,
        players=sum(level.players for level in levels),
        players_high=most_players(block),
        paused=paused,
        levels=levels,
        reset=ResetVitals(deadline, None if depositor == ZERO_ADDRESS else depositor, deposited, epoch, penalty),
        last_hour=LastHour(entries, additions, exits, culled, died, burned),
    )


def _first_of_hour(block: IndexedBlock) -> int:
    """An id that no row of the hour up to a block is below, and few others are above.

    A value and not a subquery: from a value the planner estimates how few rows the query reads.
    """
    before = fetch_rows(_BEFORE, {"since": block.timestamp - int(HOUR.total_seconds())})
    return first_id(before[0][0] + 1 if before else max(0, block.block_number - MAX_BLOCKS))


_NOTHING: Final[tuple[Any, ...]] = (0, False, 0, ZERO_ADDRESS, 0, 1, 0, *(0,) * 10, 0)
"""The first part of a row before the contracts are deployed."""
