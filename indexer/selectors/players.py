"""One player's position: the stored version, with what the contracts compute from it on read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from indexer.domain.levels import Level
from indexer.domain.positions import (
    Boost,
    Position,
    Status,
    active_boosts,
    effective_amount,
    effective_death_rate,
    ghost_streak,
    pending_rewards,
)
from indexer.domain.units import MAX_ID, Address, BlockTime, first_id, to_bytes
from indexer.records.rows import LevelStateRow, PositionRow
from indexer.records.stored import stored_level, stored_position
from indexer.selectors.rows import columns, fetch_rows
from indexer.selectors.snapshot import CHECKPOINT_COLUMNS, IndexedBlock


@dataclass(frozen=True, slots=True)
class PlayerPosition:
    """A position after a block, with its level; amounts in wei, rates in bps, times in unix seconds.

    `boosts` are those unexpired at the block's time, `current_epoch` is the epoch of the last system reset.
    """

    position: Position
    level: Level
    boosts: list[Boost]
    current_epoch: int
    timestamp: int
    changed_at: datetime

    @property
    def effective_amount(self) -> int:
        """The stake after a pending reset penalty."""
        return effective_amount(self.position, self.current_epoch)

    @property
    def pending_rewards(self) -> int:
        """`GhostCore.getPendingRewards`."""
        return pending_rewards(self.position, self.level)

    @property
    def ghost_streak(self) -> int:
        """Scans survived in a row."""
        return ghost_streak(self.position, self.level)

    @property
    def effective_death_rate_bps(self) -> int:
        """`GhostCore.getEffectiveDeathRate`."""
        return effective_death_rate(self.level.config.base_death_rate_bps, self.boosts, self.timestamp)


class StoredPosition(NamedTuple):
    """A position's row, with the boosts since the player's last extraction, which deletes them; expired ones may be
    among them."""

    row: PositionRow
    boosts: tuple[Boost, ...]
    changed_at: datetime

    def after(self, timestamp: int, level: Level, current_epoch: int) -> PlayerPosition:
        """The position after a block of this time, with its level and the epoch of the last reset as of that block."""
        return PlayerPosition(
            position=stored_position(self.row, self.row.address),
            level=level,
            boosts=active_boosts(self.boosts, timestamp),
            current_epoch=current_epoch,
            timestamp=timestamp,
            changed_at=self.changed_at,
        )


_POSITION: Final = PositionRow._fields[2:]
_LEVEL: Final = LevelStateRow._fields[2:]
"""The columns of the two rows after `id` and `block_time`, on which no state depends."""
_NOWHERE: Final = (0, BlockTime(0))
"""The values of those columns in a row."""


def _stored(end: str, now: str) -> str:
    """The columns of a StoredPosition of a position `p`; of boosts those of rows before the id `end`."""
    return f"""
        p.block_time, {columns("p", _POSITION)}, (
            SELECT array_agg(ARRAY[b.boost_type, b.value_bps, b.expiry] ORDER BY b.id) FROM boosts AS b
            WHERE b.address = p.address AND b.id < {end} AND b.expiry > {now} AND NOT EXISTS (
                SELECT FROM positions AS e
                WHERE e.address = p.address AND e.status = '{Status.EXTRACTED}' AND e.event_id > b.id AND e.id <= p.id
            )
        )
    """


def _select(sources: str, end: str, now: str, players: str = "= %(address)s") -> str:
    """The query of the positions `p` of some players, each with its level `l` and the protocol `g`, of rows before the
    id `end`."""
    return f"""
        SELECT {_stored(end, now)}, {columns("l", _LEVEL)}, g.reset_epoch
        FROM {sources}
        WHERE p.address {players} AND p.status <> '{Status.EXTRACTED}'
    """


def _now(players: str) -> str:
    """The query of the checkpoint, and the positions of some players after it."""
    sources = "current_positions AS p JOIN current_levels AS l USING (level) CROSS JOIN current_protocol AS g"
    return f"""
        SELECT {columns("c", CHECKPOINT_COLUMNS)}, found.*
        FROM checkpoints AS c LEFT JOIN LATERAL (
            {_select(sources, end=str(MAX_ID), now="c.timestamp", players=players)}
        ) AS found ON true WHERE c.block_number >= c.start_block
    """


_ALL: Final = f"SELECT {_stored(str(MAX_ID), '(SELECT timestamp FROM checkpoints)')} FROM current_positions AS p WHERE "
READ_ALL: Final = f"{_ALL} p.status <> '{Status.EXTRACTED}'"
"""The query of all positions as they stand, as columns for `stored`."""
READ_CHANGED: Final = f"""
    {_ALL} p.address IN (
        SELECT address FROM current_positions WHERE id >= %(start)s
        UNION SELECT address FROM boosts WHERE id >= %(start)s
    )
"""
"""The same of those that rows of an id from `start` on have changed, and of those that were extracted since."""
_NOW: Final = _now("= %(address)s")
_ALL_NOW: Final = _now("= ANY(%(addresses)s)")
_THEN: Final = _select(
    """(SELECT * FROM positions WHERE address = %(address)s AND id < %(end)s ORDER BY id DESC LIMIT 1) AS p
    CROSS JOIN LATERAL (SELECT * FROM level_states WHERE level = p.level AND id < %(end)s ORDER BY id DESC LIMIT 1) AS l
    CROSS JOIN (SELECT * FROM protocol_states WHERE id < %(end)s ORDER BY id DESC LIMIT 1) AS g""",
    end="%(end)s",
    now="%(timestamp)s",
)


def latest_position(address: Address) -> tuple[IndexedBlock | None, PlayerPosition | None]:
    """The last indexed block, and a player's position after it; None where there is none.

    One statement, which is one snapshot: the query that clients ask for most.
    """
    block, found = _latest(fetch_rows(_NOW, {"address": to_bytes(address)}))
    return block, found.get(address)


def latest_positions(addresses: Sequence[Address]) -> tuple[IndexedBlock | None, dict[Address, PlayerPosition]]:
    """The last indexed block, and the positions of those of some players who have one; in one snapshot."""
    return _latest(fetch_rows(_ALL_NOW, {"addresses": list(map(to_bytes, addresses))}))


def _latest(rows: list[tuple[Any, ...]]) -> tuple[IndexedBlock | None, dict[Address, PlayerPosition]]:
    """The checkpoint and the positions of rows of `_now`."""
    if not rows:
        return None, {}
    count = len(CHECKPOINT_COLUMNS)
    block = IndexedBlock(*rows[0][:count])
    found = [_player_position(row[count:], block.timestamp) for row in rows if row[count] is not None]
    return block, {one.position.address: one for one in found}


def position_at(address: Address, block_number: int, timestamp: int) -> PlayerPosition | None:
    """A player's position as it stood after a block; `timestamp` is the block's in unix seconds.

    None if the player had none: never entered, or had left.
    """
    end = first_id(block_number + 1)
    rows = fetch_rows(_THEN, {"address": to_bytes(address), "end": end, "timestamp": timestamp})
    return _player_position(rows[0], timestamp) if rows else None


def stored(row: Sequence[Any]) -> StoredPosition:
    """The position of a row of READ_ALL or READ_CHANGED, whose values are as by `rows.plain`."""
    changed_at, *state, boosts = row
    found = tuple(Boost(*map(int, boost)) for boost in boosts or ())
    return StoredPosition(PositionRow(*_NOWHERE, *state), found, changed_at)


def _player_position(row: tuple[Any, ...], timestamp: int) -> PlayerPosition:
    """The position of a row of `_select`."""
    split = len(_POSITION) + 2
    *level, epoch = row[split:]
    return stored(row[:split]).after(timestamp, stored_level(LevelStateRow(*_NOWHERE, *level)), epoch)
