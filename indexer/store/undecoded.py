"""The logs that were kept raw, since they could not be decoded when they were indexed."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection

from indexer.domain.units import Address, address_of, to_hex
from indexer.store.database import read_json

_SELECT: Final = "SELECT id, address, topics, data, reason FROM undecoded_logs"


class KeptLog(NamedTuple):
    """A log that is kept raw, and why; `data` in hex with `0x`."""

    id: int
    address: Address
    topics: list[str]
    data: str
    reason: str


def first_kept(connection: Connection[Any], first: int) -> KeptLog | None:
    """The first kept log with an id from `first` on, and with a topic: those without are no event of any version."""
    sql = f"{_SELECT} WHERE id >= %s AND jsonb_array_length(topics) > 0 ORDER BY id LIMIT 1"
    row = connection.execute(sql, (first,)).fetchone()
    return None if row is None else _kept(row)


def kept_with_topics(connection: Connection[Any], topics: Sequence[str]) -> list[KeptLog]:
    """The kept logs with one of these first topics, in order."""
    rows = connection.execute(f"{_SELECT} WHERE topics->>0 = ANY(%s) ORDER BY id", (list(topics),))
    return [_kept(row) for row in rows]


def _kept(row: tuple[Any, ...]) -> KeptLog:
    event_id, address, topics, data, reason = row
    return KeptLog(event_id, address_of(address), read_json(topics), to_hex(data), reason)
