"""Send preconfirmed items and positions to web processes over PostgreSQL channels of their own, without the tables.

What is lost on them is not sent again: the sealed block brings what is confirmed.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from indexer.domain.positions import Action
from indexer.domain.scans import ScanStep
from indexer.domain.units import to_bytes
from indexer.records.rows import ChainEventRow, DeathRow, PositionRow, Row, ScanRow, SystemResetRow
from indexer.selectors import feed as stored
from indexer.store.tables import block_datetime
from indexer.stream.feed import KINDS, FeedItem, feed_item, numbered
from indexer.stream.preconfirmed_positions import PreconfirmedPosition, decoded, encoded

PRECONFIRMED_CHANNEL: Final = "ghostnet_preconfirmed"
POSITIONS_CHANNEL: Final = "ghostnet_preconfirmed_positions"
MAX_BYTES: Final = 7_900
"""Bytes of JSON in one notification; PostgreSQL takes less than 8,000 in all."""

_decode: Final = msgspec.json.Decoder(list[FeedItem]).decode


def items_of(rows: Mapping[type[Row], Sequence[Any]]) -> list[FeedItem]:
    """The items of applied transactions, made of the rules' rows, equal to the items of these rows once stored."""
    return numbered(
        feed_item(_as_stored(kind, row))
        for kind, (source, is_in_feed) in _SOURCES.items()
        for row in rows.get(source, ())
        if is_in_feed(row)
    )


_SOURCES: Final[dict[type[stored.FeedRow], tuple[type[Row], Callable[[Any], bool]]]] = {
    stored.EventRow: (ChainEventRow, lambda row: row.name in KINDS),
    stored.DeathRow: (DeathRow, lambda _: True),
    stored.ClaimRow: (PositionRow, lambda row: row.action == Action.REWARDS_CLAIMED),
    stored.ResetRow: (SystemResetRow, lambda _: True),
    stored.ScanEndRow: (ScanRow, lambda row: row.step == ScanStep.FINALIZED),
}
"""By kind of the stored row the one that is written, and which of these are in the feed."""
_STORED: Final[dict[str, Callable[[Any], Any]]] = {
    "block_time": block_datetime,
    "tx_hash": to_bytes,
    "address": to_bytes,
    "winner": lambda winner: None if winner is None else to_bytes(winner),
    "args": lambda args: dict(sorted(msgspec.json.decode(args).items(), key=lambda item: (len(item[0]), item[0]))),
}
"""By column how a value is stored, where that differs; jsonb orders keys by length, then by bytes."""


def _as_stored(kind: type[stored.FeedRow], row: Any) -> stored.FeedRow:
    values = {column: getattr(row, column) for column in kind._fields}
    return kind(**{column: _STORED[column](value) if column in _STORED else value for column, value in values.items()})


def notifications(
    items: Iterable[FeedItem], positions: Iterable[PreconfirmedPosition] = ()
) -> Iterator[tuple[str, str]]:
    """Items, then positions, in notifications: channel and payload. One that is too large for any is left out."""
    for payload in _payloads(map(msgspec.json.encode, items)):
        yield PRECONFIRMED_CHANNEL, payload
    for payload in _payloads(map(encoded, positions)):
        yield POSITIONS_CHANNEL, payload


def _payloads(elements: Iterable[bytes]) -> Iterator[str]:
    """JSON arrays of elements that are JSON, in order."""
    part, size = list[bytes](), 2
    for element in elements:
        if part and size + len(element) + 1 > MAX_BYTES:
            yield _joined(part)
            part, size = [], 2
        if len(element) + 2 <= MAX_BYTES:
            part.append(element)
            size += len(element) + 1
    if part:
        yield _joined(part)


def _joined(elements: Sequence[bytes]) -> str:
    return f"[{b','.join(elements).decode()}]"


async def listen(connection: AsyncConnection[Any]) -> None:
    """Subscribe the connection to preconfirmed items and positions."""
    for channel in (PRECONFIRMED_CHANNEL, POSITIONS_CHANNEL):
        await connection.execute(f"LISTEN {channel}")


async def received(connection: AsyncConnection[Any]) -> AsyncIterator[list[FeedItem] | list[PreconfirmedPosition]]:
    """The items or positions of each notification since `listen`; never ends. Raises psycopg.OperationalError."""
    while True:
        # One at a time: while notifications are waited for, nothing else can be done on the connection.
        notified = [one async for one in connection.notifies(stop_after=1)]
        for one in notified:
            yield decoded(one.payload) if one.channel == POSITIONS_CHANNEL else _decode(one.payload)
