"""A player's position: the stored version, with what the contracts compute from it on read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When

from indexer.domain.positions import (
    Boost,
    Status,
    active_boosts,
    effective_amount,
    effective_death_rate,
    ghost_streak,
    pending_rewards,
)
from indexer.domain.units import Address, first_id, to_bytes
from indexer.models import CurrentLevel, CurrentLevelSlot, CurrentPosition, CurrentProtocol
from indexer.records.stored import stored_level, stored_position
from indexer.selectors.rows import fetch_rows
from indexer.selectors.snapshot import CHECKPOINT_COLUMNS, IndexedBlock

MOST_ID: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class PlayerPosition:
    """A position after a block; amounts in wei, rates in bps, times in unix seconds.

    `effective_amount` is what a pending reset penalty leaves of `amount`.
    """

    address: str
    level: int
    status: str
    amount: int
    effective_amount: int
    pending_rewards: int
    ghost_streak: int
    effective_death_rate_bps: int
    entry_time: int
    last_add_time: int
    next_scan_time: int
    boosts: list[Boost]
    changed_at: datetime


class _Row(NamedTuple):
    """What `_select` selects: a position, its level, and what belongs to both."""

    changed_at: datetime
    level: int
    status: str
    amount: int
    entry_time: int
    last_add_time: int
    reward_debt: int
    epoch: int
    streak_base: int
    on_roster: bool
    total_staked: int
    alive_count: int
    acc_rewards_per_share: int
    next_scan_time: int
    survived_scans: int
    roster_order_known: bool
    base_death_rate_bps: int
    scan_interval: int
    min_stake: int
    max_positions: int
    culling_bottom_bps: int
    culling_penalty_bps: int
    reset_epoch: int
    boosts: list[Any]


def _select(sources: str, end: str, now: str) -> str:
    """The query of a position `p` with its level `l` and the protocol `g`, of rows before the id `end`."""
    level = ", ".join(f"l.{name}" for name in _Row._fields[10:-2])
    return f"""
        SELECT p.block_time, {", ".join(f"p.{name}" for name in _Row._fields[1:10])}, {level}, g.reset_epoch, (
            SELECT array_agg(ARRAY[b.boost_type, b.value_bps, b.expiry] ORDER BY b.id) FROM boosts AS b
            WHERE b.address = p.address AND b.id < {end} AND b.expiry > {now} AND NOT EXISTS (
                SELECT FROM positions AS e
                WHERE e.address = p.address AND e.status = '{Status.EXTRACTED}' AND e.event_id > b.id AND e.id <= p.id
            )
        )
        FROM {sources}
        WHERE p.address = %(address)s AND p.status <> '{Status.EXTRACTED}'
    """


_NOW: Final = f"""
    SELECT {", ".join(f"c.{name}" for name in CHECKPOINT_COLUMNS)}, found.*
    FROM checkpoints AS c LEFT JOIN LATERAL ({
    _select(
        "current_positions AS p JOIN current_levels AS l USING (level) CROSS JOIN current_protocol AS g",
        end=str(MOST_ID),
        now="c.timestamp",
    )
}) AS found ON true WHERE c.block_number >= c.start_block
"""
_THEN: Final = _select(
    """(SELECT * FROM positions WHERE address = %(address)s AND id < %(end)s ORDER BY id DESC LIMIT 1) AS p
    CROSS JOIN LATERAL (SELECT * FROM level_states WHERE level = p.level AND id < %(end)s ORDER BY id DESC LIMIT 1) AS l
    CROSS JOIN (SELECT * FROM protocol_states WHERE id < %(end)s ORDER BY id DESC LIMIT 1) AS g""",
    end="%(end)s",
    now="%(timestamp)s",
)


def latest_position(address: Address) -> tuple[IndexedBlock | None, PlayerPosition | None]:
    """The last indexed block, and a player's position after it; None where there is none.

    One statement, which is one snapshot: the answer that is asked for most.
    """
    rows = fetch_rows(_NOW, {"address": to_bytes(address)})
    if not rows:
        return None, None
    (row,) = rows
    count = len(CHECKPOINT_COLUMNS)
    checkpoint = IndexedBlock(*row[:count])
    return checkpoint, None if row[count] is None else _position(address, _Row(*row[count:]), checkpoint.timestamp)


def position_at(address: Address, block_number: int, timestamp: int) -> PlayerPosition | None:
    """A player's position as it stood after a block; `timestamp` is the block's in unix seconds.

    None if the player had none: never entered, or had left.
    """
    end = first_id(block_number + 1)
    rows = fetch_rows(_THEN, {"address": to_bytes(address), "end": end, "timestamp": timestamp})
    return _position(address, _Row(*rows[0]), timestamp) if rows else None


def _position(address: Address, row: _Row, timestamp: int) -> PlayerPosition:
    """What the contracts compute. Boosts are those since the last extraction, which deletes them."""
    position, level = stored_position(row, address), stored_level(row)
    boosts = [Boost(*map(int, boost)) for boost in row.boosts or ()]
    return PlayerPosition(
        address=address,
        level=row.level,
        status=row.status,
        amount=position.amount,
        effective_amount=effective_amount(position, row.reset_epoch),
        pending_rewards=pending_rewards(position, level),
        ghost_streak=ghost_streak(position, level),
        effective_death_rate_bps=effective_death_rate(level.config.base_death_rate_bps, boosts, timestamp),
        entry_time=position.entry_time,
        last_add_time=position.last_add_time,
        next_scan_time=level.next_scan_time,
        boosts=active_boosts(boosts, timestamp),
        changed_at=row.changed_at,
    )


def positions_with_streak() -> "QuerySet[CurrentPosition]":
    """All positions as they stand, with `streak`: the ghost streak of each."""
    survived = CurrentLevel.objects.filter(level=OuterRef("level")).values("survived_scans")
    streak = Case(When(on_roster=True, then=Subquery(survived) - F("streak_base")), default=F("streak_base"))
    return CurrentPosition.objects.annotate(streak=streak)


@dataclass(frozen=True, slots=True)
class NextVictims:
    """Who a level's next cullings take, the first one first; there is none before `free_places` more have entered.

    The order is what we know of the level's array of users; where `order_known` is False, something happened that no
    log tells of, and it may be another.
    """

    level: int
    free_places: int
    order_known: bool
    positions: list[CurrentPosition]


def next_victims(level: int, most: int) -> NextVictims:
    """The first victims of a level's next cullings, those left out who enter at each (rules 6 and 7)."""
    stored = CurrentLevel.objects.get(level=level)
    slots = CurrentLevelSlot.objects.filter(level=level, address__isnull=False).order_by("slot")
    members = list(slots.values_list("address", flat=True))
    victims = [*members[:1], *members[:0:-1]][:most]
    found = {row.address: row for row in positions_with_streak().filter(address__in=victims)}
    return NextVictims(
        level=level,
        free_places=max(0, int(stored.max_positions) - len(members)),
        order_known=stored.roster_order_known,
        positions=[found[address] for address in victims],
    )


def current_epoch() -> int:
    """The number of the system reset that positions are settled up to, or not yet."""
    return int(CurrentProtocol.objects.get().reset_epoch)
