"""GhostCore: positions, rewards, boosts, cullings and system resets (rules 1 to 10 and 16 to 19)."""

from indexer.domain.events import (
    BoostApplied,
    CascadeDistributed,
    EmissionsAdded,
    Extracted,
    Initialized,
    JackedIn,
    Paused,
    PositionCulled,
    StakeAdded,
    SurvivorsUpdated,
    SystemResetTriggered,
    Unpaused,
)
from indexer.domain.positions import (
    CULLING_BURN_BPS,
    JACKPOT_BPS,
    RESET_BURN_BPS,
    RESET_PENALTY_BPS,
    Action,
    Boost,
    Position,
    Status,
    accrued,
    ghost_streak,
    pending_rewards,
)
from indexer.domain.reset import DAY
from indexer.domain.scans import Cascade
from indexer.domain.units import ZERO_ADDRESS, Address
from indexer.records.rows import BoostRow, CullingRow, EmissionRow, SystemResetRow
from indexer.rules.game import Game, share_bps
from indexer.rules.settlements import settle_as_shown, settle_hidden


def initialized(game: Game, event: Initialized) -> None:
    """The proxy's first initialization starts the scan timers and the reset timer."""
    if event.version != 1:
        return
    for level_id in list(game.levels):
        level = game.change_level(level_id)
        level.next_scan_time = game.now + level.config.scan_interval
    reset = game.change_reset()
    reset.deadline = game.now + DAY
    reset.last_deposit_time = game.now


def paused(game: Game, event: Paused) -> None:
    """From here on Extracted comes from `emergencyWithdraw` only (rule 3)."""
    game.set_paused(True)


def unpaused(game: Game, event: Unpaused) -> None:
    """From here on Extracted comes from `extract` again (rule 3)."""
    game.set_paused(False)


def jacked_in(game: Game, event: JackedIn) -> None:
    """Open a position (rule 1)."""
    game.expect("newTotal of JackedIn", event.amount, event.new_total)
    if event.user in game.positions:
        raise game.broken(f"{event.user} jacked in but has a position already")
    level = game.change_level(event.level)
    game.check_config_unless(event.amount >= level.config.min_stake and level.alive_count < level.config.max_positions)
    position = Position(
        address=event.user,
        amount=event.amount,
        level=event.level,
        status=Status.ALIVE,
        entry_time=game.now,
        last_add_time=game.now,
        reward_debt=accrued(event.amount, level.acc_rewards_per_share),
        epoch=game.reset.epoch,
        streak_base=level.survived_scans,
        on_roster=True,
    )
    game.positions[event.user] = position
    level.total_staked += event.amount
    level.alive_count += 1
    game.journal.slots(level.id, level.roster.push(event.user))
    game.change_reset().extend(event.user, event.amount, game.now)
    game.journal.position(position, Action.JACKED_IN, amount_change=event.amount)


def stake_added(game: Game, event: StakeAdded) -> None:
    """Add to a stake: the penalty is settled first, pending rewards are forfeited (rule 2)."""
    position = game.position(event.user)
    before = position.amount
    penalty = settle_as_shown(game, position, event.new_total - event.amount)
    level = game.change_level(position.level)
    position.amount += event.amount
    position.last_add_time = game.now
    position.reward_debt = accrued(position.amount, level.acc_rewards_per_share)
    level.total_staked += event.amount
    game.change_reset().extend(event.user, event.amount, game.now)
    game.journal.position(position, Action.STAKE_ADDED, amount_change=position.amount - before, penalty=penalty)


def extracted(game: Game, event: Extracted) -> None:
    """Close a position: by `extract`, or by `emergencyWithdraw` while GhostCore is paused (rule 3)."""
    position = game.position(event.user)
    before, was_alive = position.amount, position.alive
    if game.paused:
        penalty = 0
        game.expect("amount of an emergency withdrawal", position.amount, event.amount)
        game.expect("rewards of an emergency withdrawal", 0, event.rewards)
    else:
        if not was_alive:
            raise game.broken(f"{event.user} extracted but is {position.status}")
        penalty = settle_as_shown(game, position, event.amount)
        owed = pending_rewards(position, game.levels[position.level])
        game.expect(f"rewards of {event.user}'s extraction", owed, event.rewards)
    level = game.change_level(position.level)
    level.total_staked -= event.amount
    if was_alive:
        level.alive_count -= 1
    leave_roster(game, position)
    game.boosts.pop(event.user, None)
    del game.positions[event.user]
    position.amount = 0
    position.status = Status.EXTRACTED
    action = Action.EMERGENCY_WITHDRAWN if game.paused else Action.EXTRACTED
    game.journal.position(position, action, amount_change=-before, penalty=penalty, rewards=event.rewards)


def claim_rewards(game: Game, user: Address, amount: int) -> None:
    """`claimRewards` with something pending, seen by its Transfer only (rule 9); amount in wei."""
    position = game.position(user)
    if not position.alive:
        raise game.broken(f"GhostCore paid {amount} wei to {user}, who is {position.status}; no rule explains it")
    penalty = game.settle(position)
    if penalty:
        game.check_state_before_block()
    level = game.levels[position.level]
    game.expect(f"rewards claimed by {user}", pending_rewards(position, level), amount)
    position.reward_debt = accrued(position.amount, level.acc_rewards_per_share)
    game.journal.position(position, Action.REWARDS_CLAIMED, amount_change=-penalty, penalty=penalty, rewards=amount)


def position_culled(game: Game, event: PositionCulled) -> None:
    """A culling on a full level: 30 % of the penalty is burned, the rest rewards the level (rules 4 and 7)."""
    victim = game.position(event.victim)
    level = game.change_level(victim.level)
    game.check_config_unless(level.alive_count >= level.config.max_positions)
    roster = level.roster
    if not roster.members or roster.members[0] != event.victim:
        if roster.order_known or not victim.on_roster:
            raise game.broken(f"{event.victim} was culled but does not stand first on level {level.id}")
        game.journal.slots(level.id, roster.move_to_front(event.victim))
    game.expect("culled stake", victim.amount, event.penalty_amount + event.returned_amount)
    game.expect("culling penalty", share_bps(victim.amount, level.config.culling_penalty_bps), event.penalty_amount)
    streak = ghost_streak(victim, level)
    level.total_staked -= victim.amount
    level.alive_count -= 1
    leave_roster(game, victim)
    burned = share_bps(event.penalty_amount, CULLING_BURN_BPS)
    game.add_rewards(level.id, event.penalty_amount - burned)
    victim.status = Status.CULLED
    victim.streak_base = streak
    game.journal.position(victim, Action.CULLED, penalty=event.penalty_amount)
    game.journal.fact(
        CullingRow,
        level.id,
        event.victim,
        event.new_entrant,
        victim.amount,
        event.penalty_amount,
        event.returned_amount,
        burned,
        streak,
    )


def leave_roster(game: Game, position: Position) -> None:
    """Remove a position from its level's array; the contract may remove another user instead (rule 6)."""
    level = game.change_level(position.level)
    removed, changes = level.roster.remove(position.address)
    game.journal.slots(level.id, changes)
    if removed is not None and removed != position.address:
        stranger = game.position(removed)
        stranger.streak_base = ghost_streak(stranger, level)
        stranger.on_roster = False
        game.journal.position(stranger, Action.LEFT_ROSTER)
    if position.on_roster:
        position.streak_base = ghost_streak(position, level)
        position.on_roster = False


def cascade_distributed(game: Game, event: CascadeDistributed) -> None:
    """Share the stakes of the dead with their level and the safer ones (rule 17)."""
    game.add_rewards(event.source_level, event.same_level_amount)
    upstream = [game.levels[level] for level in range(1, event.source_level) if game.levels[level].total_staked]
    total = sum(level.total_staked for level in upstream)
    for level in upstream:
        game.add_rewards(level.id, event.upstream_amount * level.total_staked // total)
    burned = event.burn_amount if upstream else event.burn_amount + event.upstream_amount
    cascade = Cascade(event.same_level_amount, event.upstream_amount, event.burn_amount, event.protocol_amount, burned)
    game.tx.cascades = {**(game.tx.cascades or {}), event.source_level: cascade}


def survivors_updated(game: Game, event: SurvivorsUpdated) -> None:
    """Everyone in the level's array survived one more scan (rule 16)."""
    level = game.change_level(event.level)
    game.expect(f"survivors on level {level.id}", len(level.roster), event.survivor_count)
    level.survived_scans += 1
    level.next_scan_time = game.now + level.config.scan_interval
    game.tx.survivors = {**(game.tx.survivors or {}), event.level: event.survivor_count}


def emissions_added(game: Game, event: EmissionsAdded) -> None:
    """Emissions for a level, lost on a level without stake (rule 18)."""
    credited = game.change_level(event.level).total_staked > 0
    game.add_rewards(event.level, event.amount)
    game.journal.fact(EmissionRow, event.level, event.amount, credited)


def boost_applied(game: Game, event: BoostApplied) -> None:
    """A boost counts from now on until its expiry or the user's extraction."""
    game.boosts.setdefault(event.user, []).append(Boost(event.boost_type, event.value_bps, event.expiry))
    game.journal.fact(BoostRow, event.user, event.boost_type, event.value_bps, event.expiry)


def system_reset_triggered(game: Game, event: SystemResetTriggered) -> None:
    """A reset: every position owes 25 %, settled when it next acts; the last depositor wins (rules 8 and 10)."""
    settle_hidden(game, event.total_penalty)
    game.expect(
        "total penalty of the reset", share_bps(game.total_value_locked, RESET_PENALTY_BPS), event.total_penalty
    )
    game.expect("jackpot of the reset", share_bps(event.total_penalty, JACKPOT_BPS), event.jackpot_amount)
    reset = game.change_reset()
    winner = reset.last_depositor if reset.last_depositor != ZERO_ADDRESS and event.jackpot_amount else None
    paid = event.jackpot_amount if winner else 0
    reset.begin_next_epoch(RESET_PENALTY_BPS, game.now)
    burned = share_bps(event.total_penalty, RESET_BURN_BPS)
    game.journal.fact(SystemResetRow, reset.epoch, event.total_penalty, event.jackpot_amount, winner, paid, burned)
