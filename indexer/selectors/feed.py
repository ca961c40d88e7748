"""The stored rows that feed items are made of.

Most are events. Where the log lacks what clients need, or where there is none, the item is made of the row that the
rules have written: who died (rule 13), who claimed rewards (rule 9), who won a reset (rule 10), how many survived a
scan.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from indexer.domain.units import first_id


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
MAX_SEARCHED: Final = 20_000
"""Events that one search for the newest items reads: a channel of which few happen may get less than it asks for."""
BOTTOM: Final = f"""
    SELECT coalesce((
        SELECT id FROM chain_events WHERE id < %(before)s ORDER BY id DESC OFFSET {MAX_SEARCHED - 1} LIMIT 1
    ), 0)
"""
"""The query of the id down to which a search for items below `before` reads."""


def newest_select(kind: type[FeedRow]) -> str:
    """The query of the newest rows of a kind, of blocks from `first` to before `end`."""
    large = "AND (name <> 'Transfer' OR (args->>'value')::numeric >= %(least)s) AND id < %(before)s"
    condition = f"{large if kind is EventRow else ''} AND id >= %(first)s AND id < %(end)s"
    return f"{SELECTS[kind]} {condition} ORDER BY id DESC LIMIT %(limit)s"


def newest_rows(kinds: Collection[type[FeedRow]], parameters: dict[str, Any]) -> list[FeedRow]:
    """The newest rows of some kinds, as `newest_select` has them."""
    return [_row(kind, row) for kind in kinds for row in _fetch(newest_select(kind), parameters)]


def rows_of(blocks: Collection[int], names: Sequence[str]) -> list[FeedRow]:
    """All rows of the feed in some blocks: events with one of these names, and the others."""
    parameters = {"firsts": [first_id(block) for block in blocks], "width": first_id(1), "names": list(names)}
    return [_row(kind, row) for kind, sql in _OF_BLOCKS.items() for row in _fetch(sql, parameters)]


_OF_BLOCKS: Final = {
    kind: "SELECT found.* FROM unnest(%(firsts)s::bigint[]) AS firsts (first)"
    f" CROSS JOIN LATERAL ({select} AND id >= first AND id < first + %(width)s) AS found"
    for kind, select in SELECTS.items()
}
"""The query of all rows of some blocks, which may lie far from each other: each block is found by the primary key."""


def search_bottom(before: int) -> int:
    """The id down to which a search for items below `before` reads."""
    return int(_fetch(BOTTOM, {"before": before})[0][0])


def _row(kind: type[FeedRow], row: tuple[Any, ...]) -> FeedRow:
    found = kind(*row)
    return found._replace(args=json.loads(str(found.args))) if isinstance(found, EventRow) else found


def _fetch(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
