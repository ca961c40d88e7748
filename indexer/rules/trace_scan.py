"""TraceScan: scans, deaths and survivors (rules 11 to 16)."""

from indexer.domain.events import DeathsProcessed, DeathsSubmitted, ScanExecuted, ScanFinalized
from indexer.domain.positions import Action, Status, ghost_streak
from indexer.domain.scans import Scan, ScanStep
from indexer.rules.deaths import who_died
from indexer.rules.game import Game
from indexer.rules.ghost_core import leave_roster


def scan_executed(game: Game, event: ScanExecuted) -> None:
    """A scan begins; the draw is fixed by its seed."""
    scan = Scan(event.scan_id, event.level, event.seed, event.executed_at)
    game.scans[event.scan_id] = scan
    game.journal.scan(scan, ScanStep.EXECUTED)


def deaths_processed(game: Game, event: DeathsProcessed) -> None:
    """GhostCore's half of a batch of deaths; TraceScan's half follows and names the scan (rule 12)."""
    game.tx.deaths = event


def deaths_submitted(game: Game, event: DeathsSubmitted) -> None:
    """A batch of deaths: find the players who died, and record their deaths (rules 4, 13 and 14)."""
    processed, game.tx.deaths = game.tx.deaths, None
    if processed is None:
        raise game.broken("DeathsSubmitted without DeathsProcessed before it in the transaction")
    game.expect("level of the deaths", processed.level, event.level)
    game.expect("count of the deaths", processed.death_count, event.death_count)
    game.expect("stake of the dead", processed.total_dead, event.total_dead)
    scan = game.scans.get(event.scan_id)
    if scan is None:
        raise game.broken(f"deaths were submitted for scan {event.scan_id}, which is not open")
    level = game.change_level(event.level)
    verdict = who_died(game, scan, event.death_count, event.total_dead)
    level.roster.order_known = level.roster.order_known and verdict.order_known
    for position in verdict.dead:
        streak = ghost_streak(position, level)
        game.journal.death(scan, position, streak, verdict.evidence)
        level.total_staked -= position.amount
        level.alive_count -= 1
        leave_roster(game, position)
        position.status = Status.TRACED
        position.streak_base = 0
        scan.processed.add(position.address)
        game.journal.position(position, Action.TRACED)
    scan.batches += 1
    scan.death_count += event.death_count
    scan.total_dead += event.total_dead
    game.journal.scan(scan, ScanStep.DEATHS_SUBMITTED)


def scan_finalized(game: Game, event: ScanFinalized) -> None:
    """A scan ends; its totals must be the sum of its batches (rule 16)."""
    scan = game.scans.pop(event.scan_id, None)
    if scan is None:
        raise game.broken(f"scan {event.scan_id} was finalized but is not open")
    game.expect(f"deaths in scan {scan.scan_id}", scan.death_count, event.death_count)
    game.expect(f"stake lost in scan {scan.scan_id}", scan.total_dead, event.total_dead)
    scan.finalized_at = event.finalized_at
    scan.cascade = (game.tx.cascades or {}).get(event.level)
    scan.survivor_count = (game.tx.survivors or {}).get(event.level)
    game.journal.scan(scan, ScanStep.FINALIZED)
