"""Keep each player's rank on the leaderboards at the end of the last finalized day.

The orders are those of `indexer.selectors.leaderboards`, in Python, on the state that the tables hold for a block.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from psycopg import Connection, Cursor, Rollback

from indexer.domain.finality import finalized_block, is_finalized
from indexer.domain.positions import Status, ghost_streak
from indexer.domain.units import Address, address_of, block_of, to_bytes
from indexer.models import DailyRank
from indexer.records.rows import DeathRow, LevelStateRow, PositionRow, Row
from indexer.records.stored import stored_level, stored_position
from indexer.store.loader import Snapshot, snapshot_of
from indexer.store.lock import UPKEEP_LOCK
from indexer.store.tables import block_datetime, tables
from indexer.store.totals import ACCOUNTS

DAY: Final = timedelta(days=1)
Board = DailyRank.Board


@dataclass(frozen=True, slots=True)
class _Ended:
    """The last finalized day: a block of a later day that is finalized too, and the claim under which it was read."""

    day: date
    block_number: int
    block_hash: bytes
    fence: int

    @classmethod
    def read(cls, snapshot: Snapshot, reorg_depth: int) -> Self | None:
        """The last day that no expected reorg changes; None before there is one, and while the head is far ahead."""
        fence, head = _row(snapshot.connection, "SELECT fence, chain_head FROM checkpoints") or (0, 0)
        if is_finalized(snapshot.at_block, head, reorg_depth):
            return None
        newest = _row(
            snapshot.connection,
            "SELECT number, hash, timestamp FROM blocks WHERE number <= %s ORDER BY number DESC LIMIT 1",
            finalized_block(snapshot.at_block, reorg_depth),
        )
        if newest is None:
            return None
        number, block_hash, timestamp = newest
        return cls(block_datetime(int(timestamp)).date() - DAY, number, bytes(block_hash), fence)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.day + DAY, time(), UTC)


def keep_ranks(connection: Connection[Any], reorg_depth: int) -> date | None:
    """Store the ranks at the end of the last finalized day, unless they are; the day for which it was done.

    Nothing is done before a day is finalized, while blocks are missing up to the node's head, or while another session
    does a round of upkeep. Reading takes no lock; the writer waits for the moment of the commit at most. Needs a
    connection in autocommit mode. Raises NothingIndexed.
    """
    if not UPKEEP_LOCK.try_acquire(connection):
        return None
    try:
        with snapshot_of(connection) as snapshot:
            ended = _Ended.read(snapshot, reorg_depth)
            if ended is None or _row(connection, "SELECT 1 FROM daily_ranks WHERE day = %s LIMIT 1", ended.day):
                return None
            boards = _boards(snapshot, ended.end)
        if not any(boards.values()) or not _store(connection, ended, boards):
            return None
        connection.execute("DELETE FROM daily_ranks WHERE day < %s", (ended.day - DAY,))
        return ended.day
    finally:
        UPKEEP_LOCK.release(connection)


def forget_ranks(cursor: Cursor[Any], ancestor: int) -> None:
    """Delete the ranks of days that blocks above `ancestor` were needed to finalize. For a transaction that has moved
    or kept the checkpoint by a Claim: what `keep_ranks` is about to store then waits for it, and is given up."""
    cursor.execute("DELETE FROM daily_ranks WHERE finalized_block > %s", (ancestor,))


def _boards(snapshot: Snapshot, end: datetime) -> Mapping[Board, Sequence[Address]]:
    """The players of each leaderboard, the first one first, before the first block from `end` on that changes anything;
    none if there was nothing before it."""
    (first,) = _row(snapshot.connection, "SELECT min(id) FROM chain_blocks WHERE block_time >= %s", end) or (None,)
    at_block = snapshot.at_block if first is None else block_of(first) - 1
    if at_block < snapshot.progress.start_block:
        return {}
    then = Snapshot(snapshot.connection, at_block)
    levels = {row.level: stored_level(row) for row in then.states(LevelStateRow)}
    rows = then.states(PositionRow, f"status = '{Status.ALIVE}'")
    alive = [stored_position(row, address_of(row.address)) for row in rows]
    alive.sort(key=lambda position: (position.entry_time, position.address))
    by_streak = sorted(alive, key=lambda position: -ghost_streak(position, levels[position.level]))
    by_stake = sorted(alive, key=lambda position: -position.amount)
    return {
        Board.STREAK: [position.address for position in by_streak],
        Board.SURVIVORS: [position.address for position in alive],
        Board.STAKED: [position.address for position in by_stake],
        Board.EARNINGS: list(_by_sum(then, PositionRow, "earned > 0", "earned")),
        Board.LOSSES: list(_by_sum(then, DeathRow, "deaths > 0", "lost")),
    }


def _by_sum(snapshot: Snapshot, row: type[Row], condition: str, column: str) -> Iterator[Address]:
    """The accounts that meet a condition, by one of the sums over their history up to the snapshot's block."""
    query = (
        f"SELECT address FROM ({ACCOUNTS.contributions(tables()[row], 'id < %(end)s')}) AS sums"
        f" WHERE {condition} ORDER BY {column} DESC, address"
    )
    return (address_of(row.address) for row in snapshot.rows(query, {"end": snapshot.end_id}))


def _store(connection: Connection[Any], ended: _Ended, boards: Mapping[Board, Sequence[Address]]) -> bool:
    """Store all ranks of a day; False, and nothing is stored, if history was rolled back or rebuilt since it was read.

    The checkpoint's row is locked last and for a moment: it orders this and every change of history.
    """
    stored = False
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy("COPY daily_ranks (day, board, address, rank, finalized_block) FROM STDIN") as copy:
            for board, players in boards.items():
                for rank, player in enumerate(players, 1):
                    copy.write_row((ended.day, board.value, to_bytes(player), rank, ended.block_number))
        cursor.execute("SELECT FROM checkpoints WHERE fence = %s FOR SHARE", (ended.fence,))
        stored = cursor.rowcount == 1 and bool(
            cursor.execute(
                "SELECT FROM blocks WHERE number = %s AND hash = %s", (ended.block_number, ended.block_hash)
            ).rowcount
        )
        if not stored:
            raise Rollback
    return stored


def _row(connection: Connection[Any], query: str, *parameters: Any) -> tuple[Any, ...] | None:
    return connection.execute(query, parameters).fetchone()
