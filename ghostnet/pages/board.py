"""The content of the network's page and of the live feed, read from one snapshot."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from ghostnet.pages.chart import charts
from ghostnet.pages.names import contract_names, names
from ghostnet.pages.service_state import service_state
from ghostnet.pages.wording import SENTENCES, Part, has_sentence, question, sentence
from indexer.domain.units import Address
from indexer.models import CurrentProtocol, CurrentRound, CurrentScan
from indexer.selectors import blocks, leaderboards, levels, markets, scans, stats, status
from indexer.selectors.periods import Period
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.feed import FeedItem
from indexer.stream.ids import last_id
from indexer.stream.newest import items_of_blocks, newest_items

FEED_ROWS: Final = 40
SPARE_ROWS: Final = 40
"""Rows that are read beyond those, as some are not shown."""
ROWS: Final = 10
SCANS: Final = 6
NAMED_DEAD: Final = 8
"""How many of a scan's dead the network's page names."""
MARKETS: Final = 6

Line = tuple[FeedItem, datetime, list[Part]]
"""A line of a feed: the item, its block's time, and its sentence."""


def game(block: IndexedBlock) -> dict[str, Any]:
    """The network of five levels, its value over time, scans, markets and leaderboards."""
    whole, rows = stats.stats(), _levels(block)
    running = [row for row in rows if row["running"]]
    protocol = CurrentProtocol.objects.get()
    return {
        "stats": whole,
        "protocol": protocol,
        "levels": rows,
        "last_death": next(iter(scans.deaths().first(1)), None),
        "running": running,
        "dying": sum(row["running"].death_count for row in running),
        "next": _next_scan(rows),
        "charts": charts(block, whole.total_value_locked),
        "scans": [_with_dead(scan) for scan in scans.scans().first(SCANS)],
        "rounds": [
            market(round_) for round_ in markets.rounds(block.timestamp, state=markets.RoundState.OPEN).first(MARKETS)
        ],
        "streaks": leaderboards.longest_streaks(ROWS).items,
        "earners": leaderboards.top_earners(ROWS, Period.ALL, block.block_time).items,
        "losers": leaderboards.top_losers(ROWS, Period.ALL, block.block_time).items,
        "reorg": status.last_reorg(),
    }


def header(block: IndexedBlock) -> dict[str, Any]:
    """The head of every board: the block, and the state of the service."""
    return {"chain": block, "now": block.timestamp, "service_state": service_state()}


def feed(block: IndexedBlock, player: Address | None = None) -> dict[str, Any]:
    """The newest events, of one player or of all; the cursor after which the browser goes on, and the words for it."""
    items = newest_items(FEED_ROWS + SPARE_ROWS).items if player is None else items_of_player(player)
    return {
        "feed": lines(items)[:FEED_ROWS],
        "cursor": last_id(block.block_number),
        "words": {"sentences": SENTENCES, "names": names(), "contracts": list(contract_names())},
    }


def lines(items: Iterable[FeedItem]) -> list[Line]:
    """The lines of those items that have one."""
    return [
        (item, datetime.fromtimestamp(item.event.timestamp / 1000, UTC), sentence(item))
        for item in items
        if has_sentence(item)
    ]


def items_of_player(player: Address) -> list[FeedItem]:
    """The newest items that name a player."""
    items = items_of_blocks(blocks.blocks_of_player(player, FEED_ROWS))
    return [item for item in reversed(items) if player in {str(value).lower() for value in item.event.data.values()}]


def market(round_: CurrentRound) -> dict[str, Any]:
    """A market as pages show it: its question, and the share of each side in percent."""
    pot = round_.pot
    return {
        "round": round_,
        "question": question(round_.round_type, round_.target_level, round_.line),
        "over_share": 100 * int(round_.over_pool) // pot if pot else 0,
        "under_share": 100 - 100 * int(round_.over_pool) // pot if pot else 0,
    }


def _levels(block: IndexedBlock) -> list[dict[str, Any]]:
    """The levels, the deadliest first, each with the share of all stakes that it holds in percent."""
    figures = {row.level: row for row in stats.level_stats(block.block_time)}
    everything = max(1, sum(row.total_staked for row in figures.values()))
    running = scans.running()
    return [
        {
            "state": state,
            "figures": figures[state.level],
            "running": running.get(state.level),
            "share": round(100 * figures[state.level].total_staked / everything),
        }
        for state in reversed(levels.levels())
    ]


def _next_scan(rows: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The row of the level that is scanned next, of those with players and without a running scan; None if none is."""
    waiting = [row for row in rows if row["figures"].players and not row["running"]]
    return min(waiting, key=lambda row: row["state"].next_scan_time, default=None)


def _with_dead(scan: CurrentScan) -> dict[str, Any]:
    """A scan with the last of those who died in it, and the number of the others."""
    dead = scans.deaths_in(int(scan.scan_id)).first(NAMED_DEAD)
    return {"scan": scan, "dead": dead, "more": max(0, scan.death_count - len(dead))}
