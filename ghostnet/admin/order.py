"""The order of the columns in the admin's lists: the most important ones come first."""

from typing import Final

from django.db.models import Model

FIRST: Final = (
    "block_time",
    "address",
    "scan_id",
    "round_id",
    "level",
    "status",
    "action",
    "step",
    "amount",
    "amount_change",
)
"""The columns that come first in any list that has them."""
LEADING: Final = {
    "AccountTotal": ("address", "balance", "earned", "lost", "deaths"),
    "Alarm": ("kind", "raised_at", "message"),
    "Audit": ("finished_at", "block_number", "differences", "views_checked", "duration_ms"),
    "Bet": ("block_time", "address", "round_id", "action", "amount", "payout"),
    "BlockHeader": ("number", "timestamp", "hash"),
    "Boost": ("address", "boost_type", "value_bps", "expiry", "block_time"),
    "ChainEvent": ("block_time", "contract", "name", "args", "tx_hash"),
    "ChainTransaction": ("block_time", "sender", "recipient", "tx_hash"),
    "Checkpoint": ("block_number", "timestamp", "indexed_at", "chain_head", "revision"),
    "Culling": ("victim", "level", "amount", "penalty_amount", "new_entrant"),
    "CurrentBet": ("round_id", "address", "amount", "is_over", "claimed", "payout"),
    "CurrentLevel": ("level", "alive_count", "total_staked", "next_scan_time", "base_death_rate_bps"),
    "CurrentPosition": ("address", "status", "level", "amount", "action", "block_time"),
    "CurrentProtocol": ("total_value_locked", "total_supply", "paused", "reset_deadline", "reset_epoch"),
    "CurrentRound": ("round_id", "round_type", "target_level", "resolved", "over_pool", "under_pool"),
    "CurrentScan": ("scan_id", "level", "step", "executed_at", "death_count", "survivor_count"),
    "DailyRank": ("day", "board", "rank", "address"),
    "GameTotal": ("kind", "level", "entries", "amount", "burned", "paid"),
    "Incident": ("at", "kind", "message"),
    "LevelState": ("block_time", "level", "alive_count", "total_staked", "next_scan_time"),
    "Position": ("block_time", "address", "level", "action", "amount"),
    "ProtocolState": ("total_value_locked", "total_supply", "paused", "reset_deadline", "reset_epoch"),
    "QuarantinedLog": ("quarantined_at", "reason", "tx_hash", "log_index"),
    "Reorg": ("detected_at", "depth", "ancestor_number", "dropped_head", "rows_undone", "duration_ms"),
    "Round": ("block_time", "round_id", "action", "round_type", "over_pool", "under_pool"),
    "Scan": ("block_time", "scan_id", "level", "step", "death_count", "total_dead"),
    "SystemReset": ("block_time", "epoch", "total_penalty", "winner", "paid_amount", "burned"),
    "TokenTransfer": ("block_time", "sender", "recipient", "amount", "tx_hash"),
    "Toll": ("block_time", "amount", "collector", "reason"),
    "UndecodedLog": ("block_time", "address", "reason", "tx_hash"),
}
"""The columns of a table's list, where the first ones by FIRST are not those that matter; a row's page has all."""
MAX_COLUMNS: Final = 6
"""Columns of any other list, so that a screen of 1440 pixels is not too narrow for it."""
LAST: Final = ("event_id", "tx_hash", "tx_index")
SORTABLE: Final = {"AccountTotal": ("earned", "lost")}
"""The columns by which lists can be sorted: those that an index serves."""


def shown_columns(model: type[Model]) -> list[str]:
    """The columns of a table's list, in their order."""
    if model.__name__ in LEADING:
        return [*LEADING[model.__name__]]
    columns = [field.name for field in model._meta.concrete_fields]
    if "block_time" in columns:
        columns.remove("id")  # the row's block stands in its place
    return sorted(columns, key=lambda name: rank(model, name))[:MAX_COLUMNS]


def rank(model: type[Model], column: str) -> int:
    """A column's place among all columns of its table."""
    first = LEADING.get(model.__name__, FIRST)
    return first.index(column) if column in first else len(first) + (column in LAST)
