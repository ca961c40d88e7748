"""Load the game's state after a block, from versions or, at the checkpoint, from current rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.rows import namedtuple_row

from indexer.domain.betting import Bet, Round
from indexer.domain.positions import Boost, Position, Status
from indexer.domain.reset import SystemReset
from indexer.domain.scans import Scan, ScanStep
from indexer.domain.state import ContractState
from indexer.domain.units import Address, Hash, address_of, first_id, hash_of, to_bytes
from indexer.models.queries import BLOCK_TIMESTAMP
from indexer.records.rows import (
    BetRow,
    LevelSlotRow,
    LevelStateRow,
    PositionRow,
    ProtocolStateRow,
    RoundRow,
    Row,
    ScanRow,
)
from indexer.records.stored import stored_level, stored_position
from indexer.rules.game import Game
from indexer.store.checkpoint import check_indexed, read_checkpoint
from indexer.store.tables import tables


@contextmanager
def snapshot_of(connection: Connection[Any], at_block: int | None = None) -> "Iterator[Snapshot]":
    """A snapshot whose reads share one transaction, unaffected by what the indexer commits meanwhile.

    Raises NothingIndexed or BlockNotIndexed.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Snapshot(connection, at_block)


class Snapshot:
    """The state after a block; `at_block` None means the checkpoint. Read only.

    Raises NothingIndexed or BlockNotIndexed where there is no such state.
    """

    def __init__(self, connection: Connection[Any], at_block: int | None = None) -> None:
        self.connection = connection
        self.checkpoint = read_checkpoint(connection)
        self.at_block = self.checkpoint.block_number if at_block is None else at_block
        if at_block is not None:
            check_indexed(self.checkpoint, at_block)
        self.end_id = first_id(self.at_block + 1)

    def timestamp(self) -> int:
        """The block's time in unix seconds; for an empty block whose header is no longer stored, that of the last block
        before it that is archived."""
        row = self.connection.execute(BLOCK_TIMESTAMP, {"number": self.at_block, "end": self.end_id}).fetchone()
        return int(row[0]) if row else 0

    def states(self, row: type[Row], condition: str = "TRUE") -> Iterator[Any]:
        """The newest version of each key of a table that meets an SQL condition, as rows with named columns.

        `block_time` is left out: no state depends on it.
        """
        columns = ", ".join(column for column in tables()[row].columns if column != "block_time")
        return self.rows(f"SELECT {columns} FROM {self.states_sql(row)} AS state WHERE {condition} ORDER BY id")

    def states_sql(self, row: type[Row]) -> str:
        """What to select from for the newest version of each key of a table."""
        table = tables()[row]
        if table.current and self.at_block == self.checkpoint.block_number:
            return table.current
        key = ", ".join(table.key)
        return f"(SELECT DISTINCT ON ({key}) * FROM {table.name} WHERE id < {self.end_id} ORDER BY {key}, id DESC)"

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """The rows of a query, with named columns."""
        with self.connection.cursor(row_factory=namedtuple_row) as cursor:
            yield from cursor.execute(sql, parameters)


def load_game(snapshot: Snapshot, contracts: Mapping[str, Address]) -> Game:
    """The game's state after the snapshot's block."""
    game = Game(contracts)
    _load_levels(game, snapshot)
    _load_protocol(game, snapshot)
    game.positions = {position.address: position for position in _positions(snapshot)}
    _load_boosts(game, snapshot)
    _load_scans(game, snapshot)
    _load_market(game, snapshot)
    game.quarantined = load_quarantine(snapshot)
    _load_balances(game, snapshot)
    return game


def load_contract_state(snapshot: Snapshot, contracts: Mapping[str, Address]) -> ContractState:
    """The figures that the contracts' views returned after the snapshot's block, without balances."""
    game = Game(contracts)
    _load_level_states(game, snapshot)
    _load_protocol(game, snapshot)
    game.balances.clear()
    return game.contract_state()


def _load_balances(game: Game, snapshot: Snapshot) -> None:
    """The watched accounts' balances: totals are those at the checkpoint, earlier ones are not known."""
    if snapshot.at_block != snapshot.checkpoint.block_number:
        game.balances.clear()
        return
    accounts = [to_bytes(account) for account in game.balances]
    rows = snapshot.rows(
        "SELECT address, balance FROM account_totals WHERE address = ANY(%(accounts)s)", {"accounts": accounts}
    )
    game.balances |= {address_of(row.address): int(row.balance) for row in rows}


def load_quarantine(snapshot: Snapshot) -> frozenset[tuple[Hash, int]]:
    """The quarantined logs, by transaction hash and log index."""
    rows = snapshot.rows("SELECT tx_hash, log_index FROM quarantined_logs")
    return frozenset((hash_of(row.tx_hash), row.log_index) for row in rows)


def _load_level_states(game: Game, snapshot: Snapshot) -> None:
    for row in snapshot.states(LevelStateRow):
        game.levels[row.level] = stored_level(row)


def _load_levels(game: Game, snapshot: Snapshot) -> None:
    _load_level_states(game, snapshot)
    slots = sorted(snapshot.states(LevelSlotRow, "address IS NOT NULL"), key=lambda row: (row.level, row.slot))
    for row in slots:
        game.levels[row.level].roster.push(address_of(row.address))


def _load_protocol(game: Game, snapshot: Snapshot) -> None:
    for row in snapshot.states(ProtocolStateRow):
        game.paused = row.paused
        game.total_supply = int(row.total_supply)
        game.reset = SystemReset(
            int(row.reset_deadline),
            address_of(row.reset_last_depositor),
            int(row.reset_last_deposit_time),
            int(row.reset_epoch),
            row.reset_penalty_bps,
        )


def _positions(snapshot: Snapshot) -> Iterator[Position]:
    for row in snapshot.states(PositionRow, f"status <> '{Status.EXTRACTED}'"):
        yield stored_position(row, address_of(row.address))


def _load_boosts(game: Game, snapshot: Snapshot) -> None:
    """Load each user's boosts since the last extraction, which deletes them."""
    boosts = snapshot.rows(
        "SELECT address, boost_type, value_bps, expiry FROM boosts WHERE id < %(end)s AND NOT EXISTS ("
        "SELECT FROM positions WHERE positions.address = boosts.address AND positions.status = 'extracted'"
        " AND positions.event_id > boosts.id AND positions.id < %(end)s) ORDER BY id",
        {"end": snapshot.end_id},
    )
    for row in boosts:
        boost = Boost(row.boost_type, row.value_bps, int(row.expiry))
        game.boosts.setdefault(address_of(row.address), []).append(boost)


def _load_scans(game: Game, snapshot: Snapshot) -> None:
    for row in snapshot.states(ScanRow, f"step <> '{ScanStep.FINALIZED}'"):
        game.scans[int(row.scan_id)] = Scan(
            int(row.scan_id),
            row.level,
            int(row.seed),
            int(row.executed_at),
            batches=row.batches,
            death_count=row.death_count,
            total_dead=int(row.total_dead),
        )
    dead = snapshot.rows(
        "SELECT scan_id, address FROM deaths WHERE scan_id = ANY(%(scans)s) AND id < %(end)s",
        {"scans": list(game.scans), "end": snapshot.end_id},
    )
    for row in dead:
        game.scans[int(row.scan_id)].processed.add(address_of(row.address))


def _load_market(game: Game, snapshot: Snapshot) -> None:
    for row in snapshot.states(RoundRow):
        game.rounds[int(row.round_id)] = Round(
            int(row.round_id),
            row.round_type,
            row.target_level,
            int(row.line),
            int(row.deadline),
            int(row.over_pool),
            int(row.under_pool),
            int(row.resolve_time),
            row.resolved,
            row.outcome,
        )
    for row in snapshot.states(BetRow, "NOT claimed"):
        round_ = game.rounds[int(row.round_id)]
        if not round_.resolved or round_.outcome == row.is_over:
            bet = Bet(round_.round_id, address_of(row.address), row.is_over, int(row.amount))
            game.bets[round_.round_id][bet.address] = bet
