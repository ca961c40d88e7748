"""What the pages show, read from one snapshot by the functions that answer the API."""

from typing import Any, Final

from django.db import connection
from django.http import Http404
from django.utils import timezone

from api.routers import leaderboards, positions, rounds, scans, stats
from ghostnet.pages.chart import draw
from ghostnet.pages.wording import sentence
from indexer.domain.units import Address
from indexer.models import CurrentLevel, Reorg
from indexer.selectors.addresses import checksummed
from indexer.selectors.periods import Interval
from indexer.selectors.players import latest_position
from indexer.selectors.snapshot import IndexedBlock
from indexer.selectors.status import checkpoint, standing_alarms
from indexer.store.requests import is_paused
from indexer.stream.feed import end_of
from indexer.stream.newest import newest_items

FEED_ROWS: Final = 40
ROWS: Final = 10
LONG_SILENCE: Final = 60
"""Seconds without a commit after which spectators are told."""


def game(block: IndexedBlock) -> dict[str, Any]:
    """The network of five levels, its value over time, scans, markets and who leads."""
    tvl = [point.tvl for point in stats.tvl_history(block, Interval.HOUR)]
    return {
        "stats": stats.game_stats(block),
        "levels": _levels(block),
        "chart": draw(tvl),
        "tvl_span": len(tvl),
        "scans": [_with_dead(block, scan) for scan in scans.recent_scans(block, limit=6).items],
        "rounds": [row | {"odds": rounds.odds(block, row["round_id"])} for row in _open_rounds(block)],
        "streaks": leaderboards.streak_leaders(block, limit=ROWS),
        "earners": leaderboards.earners(block, limit=ROWS),
        "losers": leaderboards.losers(block, limit=ROWS),
        "reorg": Reorg.objects.order_by("-id").first(),
    }


def standing(block: IndexedBlock) -> dict[str, Any]:
    """Where the indexer is, and what may be wrong with what is shown: `silent` is the seconds since its last commit, if
    that is long ago."""
    found = checkpoint()
    silent = 0 if found is None else int((timezone.now() - found.indexed_at).total_seconds())
    return {
        "chain": block,
        "silent": silent if silent >= LONG_SILENCE else None,
        "paused": is_paused(connection.connection),
        "alarms": standing_alarms(),
    }


def feed(block: IndexedBlock) -> dict[str, Any]:
    """The newest events, and the cursor after which the browser goes on."""
    items = newest_items(FEED_ROWS)
    return {"feed": [(item, sentence(item)) for item in items], "cursor": end_of(block.block_number)}


def player(block: IndexedBlock, address: Address) -> dict[str, Any]:
    """A player's position, changes, deaths and bets."""
    _, found = latest_position(address)
    return {
        "address": checksummed(address),
        "position": None if found is None else positions.shown_position(found),
        "changes": positions.history(block, address=address, limit=30).items,
        "deaths": scans.player_deaths(block, address, limit=30).items,
        "bets": rounds.player_bets(block, address, limit=30).items,
    }


def scan(block: IndexedBlock, level: int, scan_id: int) -> dict[str, Any]:
    """A scan and who died in it. Raises Http404."""
    if level not in range(1, 6):
        raise Http404(f"there is no level {level}")
    found = scans.one_scan(block, str(level), scan_id)
    return {"scan": found, "deaths": scans.scan_deaths(block, str(level), scan_id, limit=1000).items}


def _levels(block: IndexedBlock) -> list[dict[str, Any]]:
    """The levels, the deadliest first, each with the share of all stakes that it holds."""
    figures = {row["level"].id: row for row in stats.level_stats(block)}
    everything = max(1, sum(int(row["total_staked"]) for row in figures.values()))
    return [
        figures[level.level]
        | {
            "death_rate_bps": level.base_death_rate_bps,
            "next_scan": int(level.next_scan_time),
            "places": int(level.max_positions),
            "share": round(100 * int(figures[level.level]["total_staked"]) / everything),
        }
        for level in CurrentLevel.objects.order_by("-level")
    ]


def _open_rounds(block: IndexedBlock) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rounds.list_rounds(block, limit=ROWS).items
    return found


def _with_dead(block: IndexedBlock, scan: dict[str, Any]) -> dict[str, Any]:
    dead = scans.scan_deaths(block, str(scan["level"].id), scan["scan_id"], limit=8).items
    return scan | {"dead": dead, "more": max(0, scan["death_count"] - len(dead))}
