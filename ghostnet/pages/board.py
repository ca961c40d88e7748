"""The content of the pages, read from one snapshot."""

from typing import Any, Final

from django.http import Http404
from django.utils import timezone

from ghostnet.pages.chart import draw
from ghostnet.pages.wording import sentence
from indexer.domain.levels import LevelId
from indexer.domain.units import Address
from indexer.models import CurrentScan
from indexer.selectors import leaderboards, levels, markets, operations, positions, scans, stats, status
from indexer.selectors.addresses import checksummed
from indexer.selectors.periods import Buckets, Interval, Period
from indexer.selectors.players import latest_position
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.ids import last_id
from indexer.stream.newest import newest_items

FEED_ROWS: Final = 40
ROWS: Final = 10
SCANS: Final = 6
NAMED_DEAD: Final = 8
"""How many of a scan's dead the network's page names."""
PLAYER_ROWS: Final = 30
SCAN_ROWS: Final = 1_000
LONG_SILENCE: Final = 60
"""Seconds without a commit after which the pages say so."""


def game(block: IndexedBlock) -> dict[str, Any]:
    """The network of five levels, its value over time, scans, markets and leaderboards."""
    tvl = [point.tvl for point in stats.tvl_history(Buckets.up_to(block.block_time, Interval.HOUR))]
    return {
        "stats": stats.stats(),
        "levels": _levels(block),
        "chart": draw(tvl),
        "tvl_span": len(tvl),
        "scans": [_with_dead(scan) for scan in scans.scans().first(SCANS)],
        "rounds": markets.rounds(block.timestamp, state=markets.RoundState.OPEN).first(ROWS),
        "streaks": leaderboards.longest_streaks(ROWS).items,
        "earners": leaderboards.top_earners(ROWS, Period.ALL, block.block_time).items,
        "losers": leaderboards.top_losers(ROWS, Period.ALL, block.block_time).items,
        "reorg": status.last_reorg(),
    }


def standing(block: IndexedBlock) -> dict[str, Any]:
    """How far the indexer has come, and what may be wrong with the page: `silent` is the seconds since its last commit,
    None if it is not long ago."""
    found = status.checkpoint()
    silent = 0 if found is None else int((timezone.now() - found.indexed_at).total_seconds())
    return {
        "chain": block,
        "silent": silent if silent >= LONG_SILENCE else None,
        "paused": operations.is_paused(),
        "alarms": status.standing_alarms(),
    }


def feed(block: IndexedBlock) -> dict[str, Any]:
    """The newest events, and the cursor after which the browser goes on."""
    items = newest_items(FEED_ROWS).items
    return {"feed": [(item, sentence(item)) for item in items], "cursor": last_id(block.block_number)}


def player(block: IndexedBlock, address: Address) -> dict[str, Any]:
    """A player's position, changes, deaths and bets."""
    _, found = latest_position(address)
    bets = markets.bets_of(address)
    rounds = markets.rounds_of(bets)
    return {
        "address": checksummed(address),
        "player": found,
        "changes": positions.changes(address).first(PLAYER_ROWS),
        "deaths": scans.deaths_of(address).first(PLAYER_ROWS),
        "bets": [markets.PlacedBet(bet, rounds[int(bet.round_id)]) for bet in bets.first(PLAYER_ROWS)],
    }


def scan(block: IndexedBlock, level: int, scan_id: int) -> dict[str, Any]:
    """A scan, and the players who died in it. Raises Http404."""
    if level not in set(LevelId) - {LevelId.NONE}:
        raise Http404(f"there is no level {level}")
    found = scans.scan(level, scan_id)
    if found is None:
        raise Http404(f"level {level} has no scan {scan_id}")
    return {"scan": found, "deaths": scans.deaths_in(scan_id).first(SCAN_ROWS)}


def _levels(block: IndexedBlock) -> list[dict[str, Any]]:
    """The levels, the deadliest first, each with the share of all stakes that it holds in percent."""
    figures = {row.level: row for row in stats.level_stats(block.block_time)}
    everything = max(1, sum(row.total_staked for row in figures.values()))
    return [
        {
            "state": state,
            "figures": figures[state.level],
            "share": round(100 * figures[state.level].total_staked / everything),
        }
        for state in reversed(levels.levels())
    ]


def _with_dead(scan: CurrentScan) -> dict[str, Any]:
    """A scan with the last of those who died in it, and the number of the others."""
    dead = scans.deaths_in(int(scan.scan_id)).first(NAMED_DEAD)
    return {"scan": scan, "dead": dead, "more": max(0, scan.death_count - len(dead))}
