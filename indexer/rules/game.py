"""The whole game in memory: what the contracts store, by the same rules and integers."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from indexer.base.copying import copier
from indexer.domain.betting import Bet, Round
from indexer.domain.chain import TransactionContext
from indexer.domain.levels import INITIAL_CONFIGS, Level
from indexer.domain.positions import Boost, Position, owed_penalty
from indexer.domain.reset import SystemReset
from indexer.domain.scans import Scan
from indexer.domain.state import ContractState, LevelFigures, ResetFigures, watched_accounts
from indexer.domain.units import BPS, PRECISION, Address, Hash
from indexer.records.journal import Journal
from indexer.rules.errors import BelowZero, InvariantBroken
from indexer.rules.witness import NoWitness, Witness

_copied_position, _copied_round, _copied_bet = copier(Position), copier(Round), copier(Bet)


@dataclass(slots=True)
class Game:
    """The mirror and the journal of its changes.

    `positions` holds those of the living and the dead; `bets`, by round, only those that can still be changed or
    claimed; `scans` only those not yet finalized. `contracts` maps names to addresses. `quarantined` are the logs to
    skip, by transaction and log index.
    """

    contracts: Mapping[str, Address]
    ghost_core: Address = field(init=False)
    levels: dict[int, Level] = field(
        default_factory=lambda: {int(level): Level(int(level), config) for level, config in INITIAL_CONFIGS.items()}
    )
    positions: dict[Address, Position] = field(default_factory=dict)
    boosts: dict[Address, list[Boost]] = field(default_factory=dict)
    reset: SystemReset = field(default_factory=SystemReset)
    paused: bool = False
    total_supply: int = 0
    balances: dict[Address, int] = field(init=False)
    """DATA balances of the watched accounts in wei; empty where they are not known."""
    scans: dict[int, Scan] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    bets: defaultdict[int, dict[Address, Bet]] = field(default_factory=lambda: defaultdict(dict))
    journal: Journal = field(default_factory=Journal)
    witness: Witness = field(default_factory=NoWitness)
    quarantined: frozenset[tuple[Hash, int]] = frozenset()
    has_state_check: bool = False
    """Whether the result of these blocks is compared with the contracts' state; the rules then infer no silent change
    themselves."""
    blocks_to_check: set[int] = field(default_factory=set)
    """Blocks after which the contracts' state is to be read, since their events may hide a silent change."""
    tx: TransactionContext = field(default_factory=TransactionContext)
    _changed_levels: set[int] = field(default_factory=set)
    _protocol_changed: bool = False

    def __post_init__(self) -> None:
        self.ghost_core = self.contracts["GhostCore"]
        self.balances = dict.fromkeys(watched_accounts(self.contracts), 0)

    @property
    def now(self) -> int:
        """The time of the block being applied, in unix seconds."""
        return self.journal.block_time

    @property
    def is_initialized(self) -> bool:
        """Whether GhostCore is initialized."""
        return self.reset.deadline > 0

    @property
    def total_value_locked(self) -> int:
        """`GhostCore.getTotalValueLocked` in wei."""
        return sum(level.total_staked for level in self.levels.values())

    def position(self, address: Address) -> Position:
        """The position of a user who must have one.

        Raises InvariantBroken if there is none.
        """
        position = self.positions.get(address)
        if position is None:
            raise self.broken(f"{address} has no position")
        return position

    def change_level(self, level: int) -> Level:
        """A level, to be changed by the caller; `finish_block` records it."""
        if level not in self.levels:
            raise self.broken(f"there is no level {level}")
        self._changed_levels.add(level)
        return self.levels[level]

    def change_reset(self) -> SystemReset:
        """The reset timer, to be changed by the caller; `finish_block` records it."""
        self._protocol_changed = True
        return self.reset

    def change_supply(self, difference: int) -> None:
        """Mint (positive) or burn (negative) so many wei of DATA."""
        self._protocol_changed = True
        self.total_supply += difference

    def check_state_before_block(self) -> None:
        """Have the contracts' state compared after the block before this one too.

        An event settles a penalty that a claim without a log may have settled by then.
        """
        self.blocks_to_check.add(self.journal.block_number - 1)

    def check_config_unless(self, fits: bool) -> None:
        """Have the contracts' state compared after this block unless an event `fits` its level's configuration.

        The configuration may have been changed without a log.
        """
        if not fits:
            self.blocks_to_check.add(self.journal.block_number)

    def move_balance(self, sender: Address, recipient: Address, amount: int) -> None:
        """Apply a transfer of `amount` wei of DATA to the balances of watched accounts.

        Raises BelowZero if the sender can't have so much.
        """
        if amount > self.total_supply:
            raise self.broken(f"{amount} wei of DATA are moved, the supply is {self.total_supply}", BelowZero)
        if sender in self.balances:
            self.balances[sender] = left = self.balances[sender] - amount
            if left < 0:
                raise self.broken(f"the balance of {sender} goes below zero, to {left} wei of DATA", BelowZero)
        if recipient in self.balances:
            self.balances[recipient] += amount

    def set_paused(self, paused: bool) -> None:
        self._protocol_changed = True
        self.paused = paused

    def settle(self, position: Position) -> int:
        """Take the reset penalty that a living position still owes; return it in wei (rule 8)."""
        if position.epoch >= self.reset.epoch:
            return 0
        penalty = owed_penalty(position, self.reset.epoch)
        position.amount -= penalty
        position.epoch = self.reset.epoch
        self.change_level(position.level).total_staked -= penalty
        return penalty

    def add_rewards(self, level: int, amount: int) -> None:
        """Share `amount` wei among the stakes of a level; without stake nothing happens."""
        state = self.change_level(level)
        if state.total_staked:
            state.acc_rewards_per_share += amount * PRECISION // state.total_staked

    def finish_block(self) -> None:
        """Record the levels and globals that this block changed."""
        if self._changed_levels:
            for level in sorted(self._changed_levels):
                self.journal.level_state(self.levels[level])
        if self._changed_levels or self._protocol_changed:
            self.journal.protocol_state(self.total_value_locked, self.total_supply, self.paused, self.reset)
        self._changed_levels.clear()
        self._protocol_changed = False

    def expect(self, what: str, expected: Any, got: Any) -> None:
        """Check an invariant: compare a value of the mirror with the chain's.

        Raises InvariantBroken with the place in the chain, the expected and the actual value.
        """
        if expected != got:
            raise self.broken(f"{what}: expected {expected} by the rules, got {got} from the chain")

    def broken(self, message: str, kind: type[InvariantBroken] = InvariantBroken) -> InvariantBroken:
        """An error that names the place in the chain."""
        return kind(f"{self.journal.place}: {message}")

    def contract_state(self) -> ContractState:
        """The figures that the contracts' views must return now."""
        reset = self.reset
        return ContractState(
            {
                level.id: LevelFigures(
                    level.total_staked, level.alive_count, level.acc_rewards_per_share, level.next_scan_time
                )
                for level in self.levels.values()
            },
            {level.id: level.config for level in self.levels.values()},
            ResetFigures(reset.deadline, reset.last_depositor, reset.last_deposit_time, reset.epoch, reset.penalty_bps),
            self.paused,
            self.total_value_locked,
            self.total_supply,
            dict(self.balances),
        )

    def copy(self) -> "Game":
        """The same state on objects of its own, with an empty journal: to apply blocks on trial."""
        twin = Game(
            self.contracts,
            levels={level_id: level.copy() for level_id, level in self.levels.items()},
            positions={address: _copied_position(position) for address, position in self.positions.items()},
            boosts={address: list(boosts) for address, boosts in self.boosts.items()},
            reset=replace(self.reset),
            paused=self.paused,
            total_supply=self.total_supply,
            scans={scan_id: replace(scan, processed=set(scan.processed)) for scan_id, scan in self.scans.items()},
            rounds={round_id: _copied_round(round_) for round_id, round_ in self.rounds.items()},
            bets=defaultdict(
                dict,
                {id_: {user: _copied_bet(bet) for user, bet in bets.items()} for id_, bets in self.bets.items()},
            ),
            quarantined=self.quarantined,
            has_state_check=self.has_state_check,
        )
        twin.balances = dict(self.balances)
        twin.witness = self.witness.recording_into(twin.journal.answer)
        return twin


def share_bps(amount: int, bps: int) -> int:
    """A share in basis points of an amount in wei, floored."""
    return amount * bps // BPS
