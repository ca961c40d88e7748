"""The payload of a commit's notification: the items of a small commit, so that web processes need no query.

Only small commits at the head have one. It is of use to a reader that has the commit before it, whose revision is one
less; all others read the tables, as they do if a notification carries nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from indexer.domain.chain import Header
from indexer.domain.units import Hash
from indexer.records.rows import BoostRow, PositionRow, Row
from indexer.selectors.snapshot import IndexedBlock
from indexer.store.tables import block_datetime
from indexer.stream.feed import FeedItem
from indexer.stream.ids import last_id
from indexer.stream.preconfirmed import MAX_BYTES, items_of
from indexer.stream.reader import FeedCursor, Step

_MAX_ITEMS: Final = 40
"""More never fit."""


class _Announced(msgspec.Struct, array_like=True):
    """The end of a commit, `timestamp` in unix seconds, its items, and the addresses of positions that it changed."""

    block_hash: Hash
    timestamp: int
    chain_head: int
    items: list[FeedItem]
    touched: list[str]


_decode: Final = msgspec.json.Decoder(_Announced).decode


def commit_payload(rows: Mapping[type[Row], Sequence[Any]], last: Header, chain_head: int) -> str | None:
    """The payload of the notification of a commit whose last block is `last`; None if it would be too large."""
    items = items_of(rows)
    if len(items) > _MAX_ITEMS:
        return None
    touched = {row.address for kind in (PositionRow, BoostRow) for row in rows.get(kind, ())}
    encoded = msgspec.json.encode(
        _Announced(last.hash, last.timestamp, max(chain_head, last.number), items, sorted(touched))
    )
    return encoded.decode() if len(encoded) <= MAX_BYTES else None


def commit_of(payload: str) -> tuple[int, int] | None:
    """The block and the revision of a commit, by its notification; None if that does not name them."""
    return (int(parts[0]), int(parts[1])) if len(parts := payload.split(" ", 2)) > 1 else None


def step_of_payload(payload: str, block: IndexedBlock, cursor: FeedCursor) -> Step | None:
    """The step in a notification, if that is of the commit after `block`, at whose end the reader's cursor is; None if
    it is of another commit, or carries no step. Raises msgspec.DecodeError if it is not the indexer's notification."""
    if len(parts := payload.split(" ", 2)) < 3:
        return None
    number, revision = int(parts[0]), int(parts[1])
    if revision != block.revision + 1 or number <= block.block_number:  # a lower block: a restored backup's
        return None
    decoded = _decode(parts[2])
    reached = replace(
        block,
        block_number=number,
        block_hash=decoded.block_hash,
        block_time=block_datetime(decoded.timestamp),
        timestamp=decoded.timestamp,
        chain_head=decoded.chain_head,
        revision=revision,
    )
    end = FeedCursor(last_id(reached.block_number), cursor.reorg_id)
    return Step(reached, end, None, decoded.items, set(decoded.touched), after=cursor.event_id)
