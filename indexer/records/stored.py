"""Make the domain's objects from stored rows: of psycopg or Django, anything with a table's columns as attributes."""

from typing import Any

from indexer.domain.levels import Level, LevelConfig, Roster
from indexer.domain.positions import Position, Status
from indexer.domain.units import Address


def stored_position(row: Any, address: Address) -> Position:
    """The position in a row of `positions` or `current_positions`; `address` replaces the row's, which may be bytes."""
    return Position(
        address,
        int(row.amount),
        row.level,
        Status(row.status),
        int(row.entry_time),
        int(row.last_add_time),
        int(row.reward_debt),
        int(row.epoch),
        row.streak_base,
        row.on_roster,
    )


def stored_level(row: Any) -> Level:
    """The level in a row of `level_states` or `current_levels`, with an empty array of users."""
    config = LevelConfig(
        row.base_death_rate_bps,
        row.scan_interval,
        int(row.min_stake),
        row.max_positions,
        row.culling_bottom_bps,
        row.culling_penalty_bps,
    )
    return Level(
        row.level,
        config,
        int(row.total_staked),
        row.alive_count,
        int(row.acc_rewards_per_share),
        int(row.next_scan_time),
        row.survived_scans,
        Roster(order_known=row.roster_order_known),
    )
