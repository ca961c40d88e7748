"""The stored rows that feed items are made of: events, deaths, and claims of rewards."""

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


SELECT_EVENTS: Final = f"SELECT {', '.join(EventRow._fields)} FROM chain_events"
SELECT_DEATHS: Final = f"SELECT {', '.join(DeathRow._fields)} FROM deaths"
SELECT_CLAIMS: Final = f"SELECT {', '.join(ClaimRow._fields)} FROM positions"
IS_CLAIM: Final = "action = 'rewards_claimed'"
"""What of `positions` is a claim. The stream reads the same rows by cursor (`indexer.stream.reader`)."""
_NEWEST: Final = "ORDER BY id DESC LIMIT %(limit)s"


def newest_events(names: Sequence[str], least_transfer: int, limit: int) -> list[EventRow]:
    """The newest events with one of these names, and Transfers of at least so many wei; the newest first."""
    condition = "name = ANY(%(names)s) OR (name = 'Transfer' AND (args->>'value')::numeric >= %(least)s)"
    parameters = {"names": list(names), "least": least_transfer, "limit": limit}
    rows = _fetch(f"{SELECT_EVENTS} WHERE {condition} {_NEWEST}", parameters)
    return [EventRow._make((*row[:-1], json.loads(row[-1]))) for row in rows]


def newest_deaths(limit: int) -> list[DeathRow]:
    """The newest deaths, the newest first."""
    return [DeathRow(*row) for row in _fetch(f"{SELECT_DEATHS} {_NEWEST}", {"limit": limit})]


def newest_claims(limit: int) -> list[ClaimRow]:
    """The newest claims of rewards, the newest first."""
    return [ClaimRow(*row) for row in _fetch(f"{SELECT_CLAIMS} WHERE {IS_CLAIM} {_NEWEST}", {"limit": limit})]


def _fetch(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with SECONDS.time(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
