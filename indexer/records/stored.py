"""The rules' objects from stored rows, whatever reads them: anything that has a table's columns as attributes."""

from typing import Any

from indexer.domain.levels import Level, LevelConfig, Roster
from indexer.domain.positions import Position, Status
from indexer.domain.units import Address


def stored_position(row: Any, address: Address) -> Position:
    """The position of a row of positions or of current_positions."""
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
    """The level of a row of level_states or of current_levels, nobody in its array yet."""
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
