"""Store each player's rank on the leaderboards at the end of the last finalized day.

The ranks follow the orders of `indexer.selectors.leaderboards`, on the state that the tables have after a block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from psycopg import Connection, Cursor, Rollback

from indexer.domain.finality import finalized_block, is_finalized
from indexer.domain.positions import Status
from indexer.domain.units import Address, address_of, block_of, to_bytes
from indexer.models import DailyRank
from indexer.models.queries import RANKED_BY, ghost_streak
from indexer.records.rows import DeathRow, LevelStateRow, PositionRow, Row
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
    """Store the ranks at the end of the last finalized day, unless they are stored; return the day if that was done.

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


def delete_ranks(cursor: Cursor[Any], ancestor: int) -> None:
    """Delete the ranks of days whose finalizing block is above `ancestor`. Call it in a transaction of a Claim: a
    concurrent `keep_ranks` then waits for it, and stores nothing."""
    cursor.execute("DELETE FROM daily_ranks WHERE finalized_block > %s", (ancestor,))


def _boards(snapshot: Snapshot, end: datetime) -> Mapping[Board, Sequence[Address]]:
    """The players of each leaderboard, the first one first, before the first block from `end` on that changes anything;
    none if there was nothing before it."""
    (first,) = _row(snapshot.connection, "SELECT min(id) FROM chain_blocks WHERE block_time >= %s", end) or (None,)
    at_block = snapshot.at_block if first is None else block_of(first) - 1
    if at_block < snapshot.checkpoint.start_block:
        return {}
    then = Snapshot(snapshot.connection, at_block)
    alive = f"""
        SELECT address, {ghost_streak("survived_scans")} AS streak, entry_time, amount
        FROM {then.states_sql(PositionRow)} AS p JOIN {then.states_sql(LevelStateRow)} AS l USING (level)
        WHERE status = '{Status.ALIVE}'
    """
    sources = {
        Board.STREAK: alive,
        Board.SURVIVORS: alive,
        Board.STAKED: alive,
        Board.EARNINGS: f"SELECT * FROM ({_sums(PositionRow)}) AS sums WHERE earned > 0",
        Board.LOSSES: f"SELECT * FROM ({_sums(DeathRow)}) AS sums WHERE deaths > 0",
    }
    return {board: _in_order(then, source, RANKED_BY[board]) for board, source in sources.items()}


def _sums(row: type[Row]) -> str:
    """The query of accounts' totals of a table's history up to the id `end`."""
    return ACCOUNTS.contributions(tables()[row], "id < %(end)s")


def _in_order(then: Snapshot, source: str, order: str) -> list[Address]:
    rows = then.rows(f"SELECT address FROM ({source}) AS players ORDER BY {order}", {"end": then.end_id})
    return [address_of(row.address) for row in rows]


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
