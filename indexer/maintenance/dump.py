"""The state after a block as JSON, with the names that the contracts' own views use."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from indexer.domain.positions import (
    Boost,
    Position,
    active_boosts,
    effective_death_rate,
    ghost_streak,
    pending_rewards,
)
from indexer.domain.units import Address, address_of
from indexer.records.rows import BetRow, PositionRow, RoundRow
from indexer.rules.game import Game
from indexer.store.loader import Snapshot, load_game, snapshot_of
from indexer.store.retention import check_whole, horizon


def dump_state(connection: Connection[Any], at_block: int | None = None) -> dict[str, Any]:
    """The contracts' answers after a block (None: the checkpoint), from the tables; amounts in wei as decimal strings.

    Raises NothingIndexed, BlockNotIndexed or HistoryRetired.
    """
    with snapshot_of(connection, at_block) as snapshot:
        contracts = {name: Address(address) for name, address in snapshot.checkpoint.contracts.items()}
        game = load_game(snapshot, contracts)
        timestamp = snapshot.timestamp()
        players = sorted(address_of(row.address) for row in snapshot.states(PositionRow))
        return {
            "block": snapshot.at_block,
            "timestamp": timestamp,
            "players": {address: _player(game, address, timestamp) for address in players},
            "levels": {str(number): _level(game, number) for number in game.levels},
            "rounds": {str(int(row.round_id)): _round(row) for row in snapshot.states(RoundRow)},
            "bets": [_bet(row) for row in _bets_in_order(snapshot)],
            "totalValueLocked": str(game.total_value_locked),
            "totalSupply": str(game.total_supply),
            "balances": _balances(snapshot, timestamp),
            "systemReset": {
                "deadline": game.reset.deadline,
                "lastDepositor": game.reset.last_depositor,
                "lastDepositTime": game.reset.last_deposit_time,
                "epoch": game.reset.epoch,
                "penaltyBps": game.reset.penalty_bps,
            },
            "eventCounts": _event_counts(snapshot),
        }


def _player(game: Game, address: Address, now: int) -> dict[str, Any]:
    boosts = game.boosts.get(address, [])
    position = game.positions.get(address)
    if position is None:
        return _player_columns(None, 0, 0, 0, ())
    level = game.levels[position.level]
    return _player_columns(
        position,
        ghost_streak(position, level),
        pending_rewards(position, level),
        effective_death_rate(level.config.base_death_rate_bps, boosts, now),
        active_boosts(boosts, now),
    )


def _player_columns(
    position: Position | None, streak: int, pending: int, rate: int, boosts: list[Boost] | tuple[()]
) -> dict[str, Any]:
    """The results of the views of a user; all zeros without a position."""
    return {
        "amount": str(position.amount if position else 0),
        "level": position.level if position else 0,
        "entryTimestamp": position.entry_time if position else 0,
        "lastAddTimestamp": position.last_add_time if position else 0,
        "rewardDebt": str(position.reward_debt if position else 0),
        "alive": position.alive if position else False,
        "ghostStreak": streak,
        "isAlive": position.alive if position else False,
        "pendingRewards": str(pending),
        "effectiveDeathRateBps": rate,
        "activeBoosts": [
            {"boostType": boost.boost_type, "valueBps": boost.value_bps, "expiry": boost.expiry} for boost in boosts
        ],
    }


def _level(game: Game, number: int) -> dict[str, Any]:
    level = game.levels[number]
    config = level.config
    return {
        "totalStaked": str(level.total_staked),
        "aliveCount": level.alive_count,
        "accRewardsPerShare": str(level.acc_rewards_per_share),
        "nextScanTime": level.next_scan_time,
        "config": {
            "baseDeathRateBps": config.base_death_rate_bps,
            "scanInterval": config.scan_interval,
            "minStake": str(config.min_stake),
            "maxPositions": config.max_positions,
            "cullingBottomPct": config.culling_bottom_bps,
            "cullingPenaltyBps": config.culling_penalty_bps,
        },
    }


def _round(row: Any) -> dict[str, Any]:
    return {
        "roundType": row.round_type,
        "targetLevel": row.target_level,
        "line": str(row.line),
        "overPool": str(row.over_pool),
        "underPool": str(row.under_pool),
        "deadline": int(row.deadline),
        "resolveTime": int(row.resolve_time),
        "resolved": row.resolved,
        "outcome": row.outcome,
    }


def _bet(row: Any) -> dict[str, Any]:
    return {
        "roundId": int(row.round_id),
        "user": address_of(row.address),
        "amount": str(row.amount),
        "isOver": row.is_over,
        "claimed": row.claimed,
    }


def _bets_in_order(snapshot: Snapshot) -> list[Any]:
    """The rows of all bets by round and player."""
    return sorted(snapshot.states(BetRow), key=lambda row: (row.round_id, row.address))


def _balances(snapshot: Snapshot, timestamp: int) -> dict[str, str]:
    """DATA balances (wei) of all accounts that ever had any: the current ones without the transfers after the block."""
    check_whole(snapshot.connection, ["token_transfers"], timestamp, f"the balances at block {snapshot.at_block}")
    rows = snapshot.rows(
        "SELECT account, sum(amount) AS balance FROM ("
        "  SELECT address AS account, balance AS amount FROM account_totals"
        "  UNION ALL SELECT recipient, -amount FROM token_transfers WHERE id >= %(end)s"
        "  UNION ALL SELECT sender, amount FROM token_transfers WHERE id >= %(end)s) AS moves"
        " WHERE account <> %(nobody)s GROUP BY account ORDER BY account",
        {"end": snapshot.end_id, "nobody": bytes(20)},
    )
    return {address_of(row.account): str(row.balance) for row in rows}


def _event_counts(snapshot: Snapshot) -> Mapping[str, int] | None:
    """The number of events of each name; None once retention has deleted the oldest."""
    if horizon(snapshot.connection, ["chain_events"]):
        return None
    rows = snapshot.rows(
        "SELECT contract || '.' || name AS event, count(*) AS occurrences FROM chain_events WHERE id < %(end)s"
        " GROUP BY 1 ORDER BY 1",
        {"end": snapshot.end_id},
    )
    return {row.event: row.occurrences for row in rows}
