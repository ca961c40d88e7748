"""The order of the columns in the admin's lists: what matters comes first."""

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
    "BlockHeader": ("number", "timestamp", "hash"),
    "ChainEvent": ("block_time", "contract", "name", "args", "tx_hash"),
    "Culling": ("block_time", "victim", "level", "amount", "penalty_amount", "returned_amount", "new_entrant"),
    "GameTotal": ("kind", "level", "entries", "amount", "burned", "paid"),
    "Incident": ("at", "kind", "message"),
    "LevelState": ("block_time", "level", "alive_count", "total_staked", "next_scan_time", "base_death_rate_bps"),
    "CurrentPosition": ("address", "status", "level", "amount", "entry_time", "action", "block_time", "amount_change"),
    "CurrentLevel": ("level", "alive_count", "max_positions", "total_staked", "next_scan_time", "base_death_rate_bps"),
    "CurrentRound": ("round_id", "round_type", "target_level", "resolved", "deadline", "over_pool", "under_pool"),
    "CurrentScan": ("scan_id", "level", "step", "executed_at", "finalized_at", "death_count", "survivor_count"),
    "Reorg": ("detected_at", "depth", "ancestor_number", "dropped_head", "rows_undone", "duration_ms"),
    "SystemReset": ("block_time", "epoch", "total_penalty", "winner", "paid_amount", "jackpot_amount", "burned"),
    "TokenTransfer": ("block_time", "sender", "recipient", "amount", "tx_hash"),
}
"""The columns that come first in the list of a table, where FIRST does not name them."""
HIDDEN: Final = {"Audit": ("report",), "Reorg": ("dropped_hashes", "new_hashes")}
"""Columns that only a row's own page has: they are long."""
LAST: Final = ("event_id", "tx_hash", "tx_index")
SORTABLE: Final = {"AccountTotal": ("earned", "lost")}
"""The columns by which lists can be sorted: those that an index serves."""


def shown_columns(model: type[Model]) -> list[str]:
    """The columns of a table's list, in their order."""
    columns = [field.name for field in model._meta.concrete_fields]
    hidden = {*HIDDEN.get(model.__name__, ()), *(["id"] if "block_time" in columns else [])}
    return sorted((name for name in columns if name not in hidden), key=lambda name: rank(model, name))


def rank(model: type[Model], column: str) -> int:
    """A column's place in a list of its table."""
    first = LEADING.get(model.__name__, FIRST)
    return first.index(column) if column in first else len(first) + (column in LAST)
