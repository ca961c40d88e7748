"""Compare the tables after every block of a recording with the contracts' views recorded there."""

import gzip
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from psycopg import Connection

from indexer.domain.units import LOG_INDEX_BITS
from tests.paths import FIXTURES

Changes = Mapping[int, Sequence[Any]]
"""The figures of one view after each block in which they changed."""
Series = dict[Any, dict[int, Sequence[Any]]]
"""Changes by the argument of the view: a level, or a player; None where there is no argument."""

_NO_POSITION: Final = [0, 0, 0, 0, 0, False, 0]


@cache
def recorded_views(name: str) -> Mapping[str, Series]:
    """By view (`levels`, `config`, `positions`, `reset`, `paused`, `tvl`) what the contracts answered."""
    return views_of(json.loads(gzip.decompress((FIXTURES / f"{name}_state.json.gz").read_bytes())))


def views_of(document: Mapping[str, Any]) -> Mapping[str, Series]:
    """The same by a document of such a file."""
    views: dict[str, Series] = {}
    for view in ("levels", "config"):
        views[view] = {int(level): _parsed(changes) for level, changes in document[view].items()}
    views["positions"] = {player.lower(): _parsed(changes) for player, changes in document["positions"].items()}
    for view in ("reset", "paused", "tvl"):
        views[view] = {None: _parsed(document[view])}
    return views


def indexed_views(connection: Connection[Any]) -> Mapping[str, Series]:
    """The same views as the tables of history have them."""
    levels, configs, survived = Series(), Series(), dict[int, dict[int, int]]()
    for row in connection.execute(
        "SELECT level, id, total_staked, alive_count, acc_rewards_per_share, next_scan_time, base_death_rate_bps,"
        " scan_interval, min_stake, max_positions, culling_bottom_bps, culling_penalty_bps, survived_scans"
        " FROM level_states ORDER BY id"
    ):
        level, block = row[0], row[1] >> LOG_INDEX_BITS
        levels.setdefault(level, {})[block] = _integers(row[2:6])
        configs.setdefault(level, {})[block] = _integers(row[6:12])
        survived.setdefault(level, {})[block] = row[12]
    reset, paused, locked = Series(), Series(), Series()
    for row in connection.execute(
        "SELECT id, reset_deadline, '0x' || encode(reset_last_depositor, 'hex'), reset_last_deposit_time, reset_epoch,"
        " reset_penalty_bps, paused, total_value_locked FROM protocol_states ORDER BY id"
    ):
        block = row[0] >> LOG_INDEX_BITS
        reset.setdefault(None, {})[block] = [int(row[1]), row[2], *_integers(row[3:6])]
        paused.setdefault(None, {})[block] = [row[6]]
        locked.setdefault(None, {})[block] = _integers(row[7:])
    return {
        "levels": levels,
        "config": configs,
        "positions": _indexed_positions(connection, survived),
        "reset": reset,
        "paused": paused,
        "tvl": locked,
    }


def _indexed_positions(connection: Connection[Any], survived: Mapping[int, Mapping[int, int]]) -> Series:
    """`getPosition` of every player; the streak of players in a level's array grows with the level's scans."""
    rows: dict[str, list[tuple[int, Any]]] = {}
    for row in connection.execute(
        "SELECT '0x' || encode(address, 'hex'), id, amount, level, entry_time, last_add_time, reward_debt, status,"
        " streak_base, on_roster FROM positions ORDER BY id"
    ):
        rows.setdefault(row[0], []).append((row[1] >> LOG_INDEX_BITS, row[2:]))
    scans_after = {level: _lookup(changes) for level, changes in survived.items()}
    positions = Series()
    for player, versions in rows.items():
        found = positions.setdefault(player, {})
        ends = [block for block, _ in versions[1:]] + [None]
        for (block, version), end in zip(versions, ends, strict=True):
            *figures, status, streak, on_roster = version
            if status == "extracted":
                found[block] = _NO_POSITION
                continue
            level = int(figures[1])
            changes = [block]
            if on_roster:
                changes += [later for later in survived[level] if later > block and (end is None or later < end)]
            for at in changes:
                shown = scans_after[level](at) - streak if on_roster else streak
                found[at] = [*_integers(figures), status == "alive", shown]
    return positions


def differences(ours: Mapping[str, Series], theirs: Mapping[str, Series], last: int) -> list[str]:
    """Every change, up to block `last`, after which the tables and the contracts' views differ, in words."""
    return list(_differences(ours, theirs, last))


def _differences(ours: Mapping[str, Series], theirs: Mapping[str, Series], last: int) -> Iterator[str]:
    for view, series in theirs.items():
        unknown: Sequence[Any] | None = _NO_POSITION if view == "positions" else None
        if view == "positions":
            yield from (f"{view} of {player} is not recorded" for player in ours[view].keys() - series.keys())
        for key, changes in series.items():
            indexed = ours[view].get(key, {})
            our_figures, their_figures = _lookup(indexed, unknown), _lookup(changes, unknown)
            for block in sorted(indexed.keys() | changes.keys()):
                if min(changes) <= block <= last and our_figures(block) != their_figures(block):
                    yield f"{view} of {key} after block {block}: {our_figures(block)} for {their_figures(block)}"


def _lookup(changes: Mapping[int, Any], unknown: Any = None) -> Callable[[int], Any]:
    blocks = sorted(changes)

    def after(block: int) -> Any:
        place = bisect_right(blocks, block)
        return changes[blocks[place - 1]] if place else unknown

    return after


def _parsed(changes: Iterable[tuple[int, Any]]) -> dict[int, Sequence[Any]]:
    return {block: _figures(value if isinstance(value, list) else [value]) for block, value in changes}


def _figures(values: Sequence[Any]) -> list[Any]:
    """Wei stand in the file as decimal strings."""
    return [int(value) if isinstance(value, str) and value.isdecimal() else value for value in values]


def _integers(values: Sequence[Any]) -> list[int]:
    return [int(value) for value in values]
