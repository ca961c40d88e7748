"""The journal: collects the rows that the rules produce while blocks are applied, in chain order."""

from collections import defaultdict
from typing import Any, Final

from indexer.domain.betting import Bet, Round
from indexer.domain.levels import Level, SlotChange
from indexer.domain.positions import Action, Position
from indexer.domain.reset import SystemReset
from indexer.domain.scans import Evidence, Scan, ScanStep
from indexer.domain.units import BlockTime, Hash, Json, Text, first_id, log_index_of
from indexer.records.rows import (
    BetRow,
    DeathRow,
    Fact,
    LevelSlotRow,
    LevelStateRow,
    PositionRow,
    ProtocolStateRow,
    RoundRow,
    Row,
    ScanRow,
    WitnessAnswerRow,
    new_tuple,
)

PROTOCOL_KEY: Final = 1
"""The key of the protocol's state, of which there is one row."""


class Journal:
    """Collects rows and gives each the block, time, transaction and event that is being applied.

    `block_time` in unix seconds; `event_id` is None while the effect of a transaction without logs is applied.
    """

    def __init__(self) -> None:
        self.rows: defaultdict[type[Row], list[Any]] = defaultdict(list)
        self.block_number = 0
        self.block_time = BlockTime(0)
        self.tx_hash = Hash("")
        self.event_id: int | None = None
        self._first_id = 0
        self._ordinals: defaultdict[type[Row], int] = defaultdict(int)

    def start_block(self, number: int, timestamp: int) -> None:
        """Begin a block: all further rows belong to it; `timestamp` in unix seconds."""
        self.block_number = number
        self.block_time = BlockTime(timestamp)
        self._first_id = first_id(number)
        self._ordinals = defaultdict(int)

    def take(self) -> dict[type[Row], list[Any]]:
        """Return the rows collected so far, by row class, and begin with none."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    @property
    def place(self) -> str:
        """Block, transaction and log that are being applied, for error messages."""
        log = f", log {log_index_of(self.event_id)}" if self.event_id is not None else ""
        return f"block {self.block_number}, tx {self.tx_hash}{log}"

    def fact(self, kind: type[Fact], *columns: Any) -> None:
        """Record one row for the event being applied; `columns` are those of its class after `tx_hash`."""
        assert self.event_id is not None, "a fact needs a log"
        self.rows[kind].append(new_tuple(kind, (self.event_id, self.block_time, self.tx_hash, *columns)))

    def answer(self, question: str, answer: Json) -> None:
        """Record a question to a node and its answer while the block was applied, for rebuilds."""
        self._add(WitnessAnswerRow, Text(question), answer)

    def position(
        self, position: Position, action: Action, *, amount_change: int = 0, penalty: int = 0, rewards: int = 0
    ) -> None:
        """Record a position after a change.

        `amount_change` of the stake, the `penalty` in it, and `rewards` paid beside it, all in wei.
        """
        self._add(
            PositionRow,
            self.event_id,
            self.tx_hash,
            position.address,
            action,
            amount_change,
            penalty,
            rewards,
            position.amount,
            position.level,
            position.status,
            position.entry_time,
            position.last_add_time,
            position.reward_debt,
            position.epoch,
            position.streak_base,
            position.on_roster,
        )

    def slots(self, level: int, changes: list[SlotChange]) -> None:
        """Record changed slots of a level's array of users (rule 6)."""
        for change in changes:
            self._add(LevelSlotRow, level, change.slot, change.address)

    def scan(self, scan: Scan, step: ScanStep) -> None:
        """Record a scan after a step."""
        assert self.event_id is not None, "a scan's step is an event"
        cascade = scan.cascade
        self._add(
            ScanRow,
            self.event_id,
            self.tx_hash,
            scan.scan_id,
            step,
            scan.level,
            scan.seed,
            scan.executed_at,
            scan.finalized_at,
            scan.batches,
            scan.death_count,
            scan.total_dead,
            scan.survivor_count,
            cascade.same_level_amount if cascade else None,
            cascade.upstream_amount if cascade else None,
            cascade.burn_amount if cascade else None,
            cascade.protocol_amount if cascade else None,
            cascade.burned if cascade else None,
        )

    def death(self, scan: Scan, position: Position, streak: int, evidence: Evidence) -> None:
        """Record a player's death, with the streak that it ended and the source that named the player (rule 13)."""
        assert self.event_id is not None, "a death is part of an event"
        self._add(
            DeathRow,
            self.event_id,
            self.tx_hash,
            scan.scan_id,
            scan.level,
            position.address,
            position.amount,
            streak,
            evidence,
        )

    def round(self, round_: Round, action: str, burned: int = 0) -> None:
        """Record a betting round after a change; `burned` is the rake in wei, at resolution."""
        assert self.event_id is not None, "a round changes by events"
        self._add(
            RoundRow,
            self.event_id,
            self.tx_hash,
            round_.round_id,
            action,
            round_.round_type,
            round_.target_level,
            round_.line,
            round_.deadline,
            round_.over_pool,
            round_.under_pool,
            round_.resolve_time,
            round_.resolved,
            round_.outcome,
            burned,
        )

    def bet(self, bet: Bet, round_: Round, action: str, *, amount_change: int = 0, payout: int = 0) -> None:
        """Record a bet after a change; `amount_change` is the increment and `payout` the winnings, in wei."""
        assert self.event_id is not None, "a bet changes by events"
        self._add(
            BetRow,
            self.event_id,
            self.tx_hash,
            bet.round_id,
            round_.round_type,
            bet.address,
            action,
            amount_change,
            bet.amount,
            bet.is_over,
            bet.claimed,
            payout,
        )

    def level_state(self, level: Level) -> None:
        """Record a level at the end of the block."""
        config = level.config
        self._add(
            LevelStateRow,
            level.id,
            level.total_staked,
            level.alive_count,
            level.acc_rewards_per_share,
            level.next_scan_time,
            level.survived_scans,
            level.roster.order_known,
            config.base_death_rate_bps,
            config.scan_interval,
            config.min_stake,
            config.max_positions,
            config.culling_bottom_bps,
            config.culling_penalty_bps,
        )

    def protocol_state(self, total_value_locked: int, total_supply: int, paused: bool, reset: SystemReset) -> None:
        """Record the protocol's totals, pause and reset timer at the end of the block; amounts in wei."""
        self._add(
            ProtocolStateRow,
            PROTOCOL_KEY,
            total_value_locked,
            total_supply,
            paused,
            reset.deadline,
            reset.last_depositor,
            reset.last_deposit_time,
            reset.epoch,
            reset.penalty_bps,
        )

    def _add(self, kind: type[Row], *columns: Any) -> None:
        """Record a row that has a number in its block; `columns` are those of its class after `block_time`."""
        ordinal = self._ordinals[kind]
        self._ordinals[kind] = ordinal + 1
        self.rows[kind].append(new_tuple(kind, (self._first_id | ordinal, self.block_time, *columns)))
