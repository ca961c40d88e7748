"""The stored rows that feed items are made of.

Most are events. Where the log lacks what clients need, or where there is none, the item is made of the row that the
rules have written: who died (rule 13), who claimed rewards (rule 9), who won a reset (rule 10), how many survived a
scan.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from indexer.selectors.timing import SECONDS


class EventRow(NamedTuple):
    """A decoded log, with its arguments as stored: integers as decimal strings."""

    id: int
    block_time: datetime
    tx_hash: bytes
    name: str
    args: dict[str, Any]


class DeathRow(NamedTuple):
    """A player who died in a scan; `amount` in wei."""

    id: int
    block_time: datetime
    tx_hash: bytes
    scan_id: Any
    level: int
    address: bytes
    amount: Any
    streak: int


class ClaimRow(NamedTuple):
    """A version of a position that `claimRewards` made, which emits no event (rule 9); `rewards` in wei."""

    id: int
    block_time: datetime
    tx_hash: bytes
    address: bytes
    level: int
    rewards: Any


class ResetRow(NamedTuple):
    """A system reset; its `id` is the event's. Amounts in wei; `winner` null if nobody was paid."""

    id: int
    block_time: datetime
    tx_hash: bytes
    epoch: Any
    total_penalty: Any
    jackpot_amount: Any
    winner: bytes | None
    paid_amount: Any
    burned: Any


class ScanEndRow(NamedTuple):
    """A scan's version that ScanFinalized made; `survivor_count` null if the contract reported none."""

    id: int
    block_time: datetime
    tx_hash: bytes
    event_id: int
    scan_id: Any
    level: int
    death_count: int
    total_dead: Any
    survivor_count: int | None
    finalized_at: Any


FeedRow = EventRow | DeathRow | ClaimRow | ResetRow | ScanEndRow

_TABLES: Final[dict[type[FeedRow], tuple[str, str]]] = {
    EventRow: ("chain_events", "name = ANY(%(names)s)"),
    DeathRow: ("deaths", "true"),
    ClaimRow: ("positions", "action = 'rewards_claimed'"),
    ResetRow: ("system_resets", "true"),
    ScanEndRow: ("scans", "step = 'finalized'"),
}
"""The table of each row, and which of its rows are in the feed."""
SELECTS: Final = {
    kind: f"SELECT {', '.join(kind._fields)} FROM {table} WHERE {condition}"
    for kind, (table, condition) in _TABLES.items()
}
"""The query of each row; the stream reads by cursor (`indexer.stream.reader`) what pages read from the newest on."""
_NEWEST: Final = "ORDER BY id DESC LIMIT %(limit)s"
_LARGE: Final = "(name <> 'Transfer' OR (args->>'value')::numeric >= %(least)s)"


def newest_rows(names: Sequence[str], least_transfer: int, limit: int) -> list[FeedRow]:
    """The newest `limit` rows of each kind: events with one of these names, Transfers of at least so many wei."""
    parameters = {"names": list(names), "least": least_transfer, "limit": limit}
    found: list[FeedRow] = []
    for kind, select in SELECTS.items():
        more = f"AND {_LARGE}" if kind is EventRow else ""
        found += [kind(*row) for row in _fetch(f"{select} {more} {_NEWEST}", parameters)]
    return [row._replace(args=json.loads(str(row.args))) if isinstance(row, EventRow) else row for row in found]


def _fetch(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with SECONDS.time(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
