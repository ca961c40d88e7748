"""Random games on hand-made chains in which much changes without a log, drawn from a seed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from indexer.domain.chain import ConfigChange, Settlement, SilentChange
from indexer.domain.events import (
    CascadeDistributed,
    Extracted,
    JackedIn,
    PositionCulled,
    ScanExecuted,
    ScanFinalized,
    StakeAdded,
    SurvivorsUpdated,
    SystemResetTriggered,
    Transfer,
)
from indexer.domain.levels import LevelConfig
from indexer.domain.positions import Position, effective_amount, pending_rewards
from indexer.domain.units import DATA, DEAD_ADDRESS, ZERO_ADDRESS, Address, Hash
from indexer.replay.recording import RecordedTransaction
from indexer.rules.game import Game
from tests.chains import (
    ADDRESSES,
    CLAIM_REWARDS,
    GHOST_CORE,
    OPAQUE,
    TRACE_SCAN,
    ChainBuilder,
    Event,
    apply_recorded,
    submit_deaths,
    update_level_config,
    user,
    wrapped,
)
from tests.indexer.rules.scenarios import KEEPER, TREASURY, death_events, emissions

ACCOUNTS: Final = [user(number) for number in range(0x11, 0x17)]
WALLETS: Final = [user(number) for number in range(0x51, 0x56)]
"""Contracts that play: what they do is called by somebody else."""
OWNER, FORWARDER, BUNDLER = user(0x61), user(0x62), user(0x63)
LEVELS: Final = (1, 2, 3)
DEPLOYED: Final = 1
"""The block from which on the contracts exist."""


@dataclass
class SilentHistory:
    """A chain of `length` blocks with everything that leaves no log in it, and what that was."""

    seed: int
    length: int = 40
    chain: ChainBuilder = field(default_factory=ChainBuilder)
    changes: dict[int, list[SilentChange]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._game = Game(ADDRESSES)
        self.chain.deploy()
        for recorded in self.chain.blocks:
            apply_recorded(self._game, recorded)
        self._transactions: list[RecordedTransaction] = []
        self._silent: list[SilentChange] = []
        self._scans = 0
        for player in [*ACCOUNTS[:4], *WALLETS]:
            self._enter(player)
        self._seal()
        while len(self.chain.blocks) < self.length:
            for _ in range(self._draw.choice((0, 0, 1, 1, 2, 3, 5))):
                self._draw.choice(self._ACTIONS)(self)
            self._seal()

    @property
    def _now(self) -> Game:
        """The game after the block's transactions so far."""
        game = self._game.copy()
        if self._transactions:
            self.chain.now += 1
            block = self.chain.as_block(self._transactions)
            self.chain.now -= 1
            apply_recorded(game, block, self._silent)
        return game

    def _seal(self) -> None:
        block = self.chain.block(*self._transactions)
        apply_recorded(self._game, block, self._silent)
        if self._silent:
            self.changes[block.number] = self._silent
        self._transactions, self._silent = [], []

    def _send(
        self, *events: Event, sender: Address, to: str = GHOST_CORE, calldata: str = "0x", change: object = None
    ) -> None:
        transaction = self.chain.transaction(*events, sender=sender, to=to, calldata=calldata)
        if isinstance(change, Settlement | ConfigChange):
            self._silent.append(SilentChange(len(self._transactions), Hash(transaction.hash), change))
        self._transactions.append(transaction)

    def _send_for(self, player: Address, *events: Event, calldata: str = "0x", change: object = None) -> None:
        """Something that a player does with GhostCore: itself, or through its wallet in one way or another."""
        if player not in WALLETS:
            self._send(*events, sender=player, calldata=calldata, change=change)
            return
        sender, to, sent = self._draw.choice(
            (
                (OWNER, player, wrapped((GHOST_CORE, calldata))),
                (OWNER, player, wrapped((GHOST_CORE, calldata))),
                (OWNER, player, OPAQUE),
                (KEEPER, BUNDLER, wrapped((player, wrapped((GHOST_CORE, calldata))))),
            )
        )
        self._send(*events, sender=sender, to=to, calldata=sent, change=change)

    def _living(self, game: Game) -> Sequence[Position]:
        return [position for position in game.positions.values() if position.alive]

    def _enter(self, player: Address | None = None) -> None:
        game = self._now
        outside = [one for one in [*ACCOUNTS, *WALLETS] if one not in game.positions]
        if not outside:
            return
        player = player or self._draw.choice(outside)
        level = game.levels[self._draw.choice(LEVELS)]
        amount = level.config.min_stake + self._draw.randint(0, 300) * DATA + self._draw.randint(0, 10**18)
        culling: list[Event] = []
        if level.alive_count >= level.config.max_positions:
            if not level.roster.members:
                return
            victim = game.positions[level.roster.members[0]]
            penalty = victim.amount * level.config.culling_penalty_bps // 10_000
            culling = [
                ("DataToken", Transfer(GHOST_CORE, victim.address, victim.amount - penalty)),
                ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, penalty * 3 // 10)),
                ("GhostCore", PositionCulled(victim.address, penalty, victim.amount - penalty, player)),
            ]
        entry = ("GhostCore", JackedIn(player, amount, level.id, amount))
        self._send_for(player, *culling, entry, ("DataToken", Transfer(player, GHOST_CORE, amount)))

    def _add(self) -> None:
        game = self._now
        position = self._draw.choice(self._living(game))
        amount = self._draw.randint(1, 100) * DATA + 7
        total = effective_amount(position, game.reset.epoch) + amount
        added = ("GhostCore", StakeAdded(position.address, amount, total))
        self._send_for(position.address, added, ("DataToken", Transfer(position.address, GHOST_CORE, amount)))

    def _leave(self) -> None:
        game = self._now
        position = self._draw.choice(self._living(game))
        if len(self._living(game)) < 5:
            return
        game.settle(position)
        rewards = pending_rewards(position, game.levels[position.level])
        self._send_for(
            position.address,
            ("DataToken", Transfer(GHOST_CORE, position.address, position.amount + rewards)),
            ("GhostCore", Extracted(position.address, position.amount, rewards)),
        )

    def _claim(self) -> None:
        """Pays what is pending; with nothing pending it leaves no log, and settles a penalty all the same."""
        game = self._now
        position = self._draw.choice(self._living(game))
        owed = game.settle(position)
        rewards = pending_rewards(position, game.levels[position.level])
        paid: list[Event] = [("DataToken", Transfer(GHOST_CORE, position.address, rewards))] if rewards else []
        change = Settlement(position.address) if owed and not rewards else None
        self._send_for(position.address, *paid, calldata=CLAIM_REWARDS, change=change)

    def _emit(self) -> None:
        level, amount = self._draw.choice(LEVELS), self._draw.randint(1, 90) * DATA + 3
        self._send(("DataToken", Transfer(user(99), GHOST_CORE, amount)), emissions(level, amount), sender=KEEPER)

    def _reset(self) -> None:
        game = self._now
        penalty = game.total_value_locked * 2_500 // 10_000
        jackpot, burned = penalty // 2, penalty * 3_000 // 10_000
        winner = game.reset.last_depositor
        paid: list[Event] = [("DataToken", Transfer(GHOST_CORE, winner, jackpot))] if winner != ZERO_ADDRESS else []
        self._send(
            *paid,
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, burned)),
            ("DataToken", Transfer(GHOST_CORE, TREASURY, penalty - jackpot - burned)),
            ("GhostCore", SystemResetTriggered(penalty, ZERO_ADDRESS, jackpot)),
            sender=KEEPER,
        )

    def _configure(self) -> None:
        """Another configuration: called directly, through a contract, or by one that has it in its storage."""
        level = self._now.levels[self._draw.choice(LEVELS)]
        old: LevelConfig = level.config
        config = replace(
            old,
            base_death_rate_bps=self._draw.choice((old.base_death_rate_bps, 600, 1_700)),
            scan_interval=self._draw.choice((old.scan_interval, 3_600)),
            max_positions=self._draw.choice((old.max_positions, 3, 5_000)),
            culling_penalty_bps=self._draw.choice((old.culling_penalty_bps, 5_000)),
        )
        calldata = update_level_config(level.id, config)
        change = ConfigChange(level.id, config) if config != old else None
        ways = [(GHOST_CORE, calldata), (FORWARDER, wrapped((GHOST_CORE, calldata))), (FORWARDER, OPAQUE)]
        to, sent = self._draw.choice(ways)
        self._send(sender=OWNER, to=to, calldata=sent, change=change)

    def _scan(self) -> None:
        """A whole scan in one block, in which some of a level die."""
        game = self._now
        level = game.levels[self._draw.choice(LEVELS)]
        members = [one for one in level.roster.members if game.positions[one].alive]
        dead = self._draw.sample(members, min(self._draw.choice((0, 1, 1, 2)), max(0, len(members) - 2)))
        self._scans += 1
        scan, time = self._scans, self.chain.now + 1
        executed = ("TraceScan", ScanExecuted(level.id, scan, self.seed, time))
        self._send(executed, sender=KEEPER, to=TRACE_SCAN)
        total = sum(game.positions[one].amount for one in dead)
        cascade: list[Event] = []
        if dead:
            deaths = death_events(len(dead), total, level.id, scan)
            self._send(*deaths, sender=KEEPER, to=TRACE_SCAN, calldata=submit_deaths(level.id, dead))
            share = total * 3 // 10
            cascade = [
                ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, share)),
                ("DataToken", Transfer(GHOST_CORE, TREASURY, total - 3 * share)),
                ("GhostCore", CascadeDistributed(level.id, share, share, share, total - 3 * share)),
            ]
        survivors = len(level.roster) - len(dead)
        self._send(
            *cascade,
            ("GhostCore", SurvivorsUpdated(level.id, survivors)),
            ("TraceScan", ScanFinalized(level.id, scan, len(dead), total, time)),
            sender=KEEPER,
            to=TRACE_SCAN,
        )

    def _decoy(self) -> None:
        """Calldata that does nothing: a claim of nothing through somebody else, or one that fails inside."""
        player = self._draw.choice([*ACCOUNTS, *WALLETS])
        self._send(sender=OWNER, to=FORWARDER, calldata=wrapped((player, CLAIM_REWARDS)))

    _ACTIONS: Sequence[Callable[["SilentHistory"], None]] = (
        *[_claim] * 10, *[_emit] * 3, _enter, _enter, _add, _add, _leave, _reset, _configure, _scan, _scan, _decoy,
    )  # fmt: skip
