"""The content of the pages about one thing: a player, a scan, a market, a block, a transaction."""

from typing import Any, Final

from django.http import Http404

from ghostnet.pages.board import lines, market
from ghostnet.pages.wording import boost
from indexer.domain.levels import LevelId
from indexer.domain.positions import Action, Status
from indexer.domain.units import Address, Hash
from indexer.models import Position, Scan
from indexer.selectors import blocks, levels, markets, positions, scans
from indexer.selectors.addresses import checksummed
from indexer.selectors.players import latest_position
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.newest import items_of_blocks

PLAYER_ROWS: Final = 30
SCAN_ROWS: Final = 1_000
BETS: Final = 100

ACTIONS: Final = {
    Action.JACKED_IN: "jacked in",
    Action.STAKE_ADDED: "added to the stake",
    Action.REWARDS_CLAIMED: "claimed rewards",
    Action.PENALTY_SETTLED: "paid what the reset took",
    Action.EXTRACTED: "extracted",
    Action.EMERGENCY_WITHDRAWN: "withdrew while the game was paused",
    Action.TRACED: "died in a scan",
    Action.CULLED: "was culled",
    Action.LEFT_ROSTER: "lost the place in the level's list",
}
"""What changed a position, in words."""
ENDS: Final = {
    Status.ALIVE: "alive",
    Status.TRACED: "died in a scan",
    Status.CULLED: "culled",
    Status.EXTRACTED: "extracted",
}
"""A position's status in words."""


def player(block: IndexedBlock, address: Address) -> dict[str, Any]:
    """A player's position, changes, deaths and bets."""
    _, found = latest_position(address)
    bets = markets.bets_of(address)
    rounds = markets.rounds_of(bets)
    deaths = scans.deaths_of(address).first(PLAYER_ROWS)
    scan_of = {death.tx_hash: death for death in deaths}
    return {
        "address": checksummed(address),
        "player": found,
        "running": scans.running().get(found.level.id) if found else None,
        "status": ENDS[Status(found.position.status)] if found else None,
        "boosts": [(boost(one.boost_type, one.value_bps), one.expiry) for one in found.boosts] if found else [],
        "changes": [_change(row, scan_of.get(row.tx_hash)) for row in positions.changes(address).first(PLAYER_ROWS)],
        "deaths": deaths,
        "bets": [
            {"placed": markets.PlacedBet(bet, rounds[int(bet.round_id)]), **market(rounds[int(bet.round_id)])}
            for bet in bets.first(PLAYER_ROWS)
        ],
    }


def scan(block: IndexedBlock, level: int, scan_id: int) -> dict[str, Any]:
    """A scan, its steps, who died in it, and while it runs who is in danger. Raises Http404."""
    if level not in set(LevelId) - {LevelId.NONE}:
        raise Http404(f"there is no level {level}")
    found = scans.scan(level, scan_id)
    if found is None:
        raise Http404(f"level {level} has no scan {scan_id}")
    running = found.finalized_at is None
    alive = positions.positions(positions.Order.AMOUNT, level, Status.ALIVE).first(SCAN_ROWS) if running else []
    epoch = positions.current_epoch()
    return {
        "scan": found,
        "level": levels.level(level),
        "steps": list(Scan.objects.filter(scan_id=scan_id).order_by("id")),
        "deaths": scans.deaths_in(scan_id).first(SCAN_ROWS),
        "running": running,
        "in_danger": [positions.ListedPosition.of(row, epoch) for row in alive],
    }


def round_(block: IndexedBlock, round_id: int) -> dict[str, Any]:
    """A market, and the bets in it. Raises Http404."""
    found = markets.round_(round_id, block.timestamp)
    if found is None:
        raise Http404(f"there is no market {round_id}")
    return {
        **market(found),
        "open": not found.resolved and found.deadline > block.timestamp,
        "bets": [markets.PlacedBet(bet, found) for bet in markets.bets_in(round_id).first(BETS)],
    }


def block_(indexed: IndexedBlock, number: int) -> dict[str, Any]:
    """A block, and what the game did in it. Raises Http404."""
    if not indexed.start_block <= number <= indexed.block_number:
        raise Http404(
            f"block {number} is not indexed: the blocks from {indexed.start_block} to {indexed.block_number} are"
        )
    return {
        "found": blocks.events_in(number),
        "lines": lines(items_of_blocks([number])),
        "silent": _silent(number),
        "before": blocks.block_beside(number, later=False),
        "after": blocks.block_beside(number, later=True),
    }


def transaction(indexed: IndexedBlock, tx_hash: Hash) -> dict[str, Any]:
    """A transaction, and what the game did in it. Raises Http404."""
    number = blocks.block_of_transaction(tx_hash)
    if number is None:
        raise Http404(f"the game's contracts did nothing in transaction {tx_hash}, or it is not in a block yet")
    items = [item for item in items_of_blocks([number]) if item.event.tx == tx_hash]
    return {
        "tx_hash": tx_hash,
        "found": blocks.events_in(number),
        "sender": blocks.transaction_sender(tx_hash, number),
        "lines": lines(items),
        "silent": [one for one in _silent(number) if one["row"].tx_hash == tx_hash],
    }


def _silent(number: int) -> list[dict[str, Any]]:
    """What happened in a block without an event."""
    return [_change(row, None) for row in blocks.silent_changes(number)]


def _change(row: Position, death: Any) -> dict[str, Any]:
    """A change of a position: in words, and what it took besides."""
    return {"row": row, "words": ACTIONS[Action(row.action)], "death": death if row.action == Action.TRACED else None}
