"""Counts and amounts of events per bucket of time, from the aggregates; empty buckets are included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from indexer.domain.betting import RoundType
from indexer.domain.positions import Action
from indexer.selectors.periods import Buckets
from indexer.selectors.rows import fetch_rows
from indexer.selectors.stats import BURNED_BY

Point = TypeVar("Point")


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """How many players entered, added stake, left, were culled and died in a bucket, with the amounts in wei."""

    time: datetime
    entries: int
    entered: int
    additions: int
    added: int
    exits: int
    withdrawn: int
    rewards: int
    culled: int
    culled_amount: int
    deaths: int
    lost: int


@dataclass(frozen=True, slots=True)
class BurnsPoint:
    """What was burned in a bucket, in wei, by source."""

    time: datetime
    total: int
    tax: int
    deaths: int
    culling: int
    resets: int
    bets: int
    buybacks: int


@dataclass(frozen=True, slots=True)
class BetsPoint:
    """Bets placed and winnings claimed in a bucket; amounts in wei."""

    time: datetime
    placed: int
    staked: int
    claimed: int
    payout: int


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """Token transfers in a bucket, and the tax of the taxed ones; amounts in wei."""

    time: datetime
    transfers: int
    amount: int
    tax_burned: int
    tax_collected: int


_ENTRIES: Final = f"action = '{Action.JACKED_IN}'"
_ADDITIONS: Final = f"action = '{Action.STAKE_ADDED}'"
IS_EXIT: Final = f"action IN ('{Action.EXTRACTED}', '{Action.EMERGENCY_WITHDRAWN}')"
"""The condition that a change of a position was an exit."""


def flows(buckets: Buckets, level: int | None = None) -> list[FlowPoint]:
    """Entries, additions, exits, cullings and deaths in each bucket, on a level or on all.

    A stake that is culled or lost leaves the position's amount as it is: those come from tables of their own.
    """
    on_level = "" if level is None else "AND level = %(level)s"
    selects = [
        f"""SELECT bucket,
            coalesce(sum(changes) FILTER (WHERE {_ENTRIES}), 0), coalesce(sum(amount) FILTER (WHERE {_ENTRIES}), 0),
            coalesce(sum(changes) FILTER (WHERE {_ADDITIONS}), 0), coalesce(sum(amount) FILTER (WHERE {_ADDITIONS}), 0),
            coalesce(sum(changes) FILTER (WHERE {IS_EXIT}), 0), coalesce(-sum(amount) FILTER (WHERE {IS_EXIT}), 0),
            coalesce(sum(rewards), 0), 0, 0, 0, 0
            FROM position_flow_%(grain)s WHERE %(range)s {on_level} GROUP BY bucket""",
        f"""SELECT bucket, 0, 0, 0, 0, 0, 0, 0, culled, amount, 0, 0
            FROM culling_flow_%(grain)s WHERE %(range)s {on_level}""",
        f"""SELECT bucket, 0, 0, 0, 0, 0, 0, 0, 0, 0, death_count, amount
            FROM level_deaths_%(grain)s WHERE %(range)s {on_level}""",
    ]
    return _points(FlowPoint, 11, buckets, selects, {"level": level})


def burns_history(buckets: Buckets) -> list[BurnsPoint]:
    """What was burned in each bucket, by source."""
    by_source = ", ".join(f"coalesce(sum(amount) FILTER (WHERE source = '{source}'), 0)" for source in BURNED_BY)
    select = f"SELECT bucket, sum(amount), {by_source} FROM burns_%(grain)s WHERE %(range)s GROUP BY bucket"
    return _points(BurnsPoint, 7, buckets, [select])


def bets_history(buckets: Buckets, kind: RoundType | None = None) -> list[BetsPoint]:
    """Bets and claims in each bucket, in rounds of a type or of all."""
    of_kind = "" if kind is None else "AND round_type = %(kind)s"
    select = f"SELECT bucket, placed, amount, claimed, payout FROM bet_flow_%(grain)s WHERE %(range)s {of_kind}"
    return _points(BetsPoint, 4, buckets, [select], {"kind": kind})


def volume(buckets: Buckets) -> list[VolumePoint]:
    """Token transfers and tax in each bucket."""
    selects = [
        "SELECT bucket, transfers, amount, 0, 0 FROM token_volume_%(grain)s WHERE %(range)s",
        "SELECT bucket, 0, 0, burned, collected FROM token_tax_%(grain)s WHERE %(range)s",
    ]
    return _points(VolumePoint, 4, buckets, selects)


def _points(
    kind: Callable[..., Point],
    columns: int,
    buckets: Buckets,
    selects: list[str],
    parameters: Mapping[str, Any] = MappingProxyType({}),
) -> list[Point]:
    """A point for each bucket: its time, and the sums of the `columns` that the queries select after `bucket`."""
    names = [f"c{number}" for number in range(columns)]
    union = " UNION ALL ".join(selects)
    union = union.replace("%(grain)s", buckets.interval.grain)
    union = union.replace("%(range)s", "bucket >= %(start)s AND bucket < %(end)s")
    sums = ", ".join(f"sum({name})" for name in names)
    moves = f"({union}) AS moves (bucket, {', '.join(names)})"
    rows = fetch_rows(
        f"SELECT time_bucket(%(width)s, bucket), {sums} FROM {moves} GROUP BY 1",
        {"width": buckets.interval.width, "start": buckets.start, "end": buckets.end, **parameters},
    )
    found = {row[0]: kind(*row) for row in rows}
    nothing = [0] * len(names)
    return [found.get(time) or kind(time, *nothing) for time in buckets]
