"""A small hand-made game in which much changes without a log, and its contracts' state."""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

from indexer.domain.chain import ConfigChange, Settlement, SilentChange
from indexer.domain.events import Extracted, StakeAdded, Transfer
from indexer.domain.levels import LevelConfig
from indexer.domain.positions import pending_rewards
from indexer.domain.units import DATA, Address, Hash
from indexer.replay.recording import RecordedTransaction
from indexer.rules.game import Game
from tests.chains import GHOST_CORE, TRACE_SCAN, ChainBuilder, play, submit_deaths, update_level_config, user
from tests.indexer.rules.scenarios import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    death_events,
    emissions,
    execute_scan,
    finalize_scan,
    three_on_level_one,
    trigger_reset,
)

CONFIG: Final = LevelConfig(600, 7200, 11 * DATA, 4000, 4000, 7000)
WALLET, OWNER = user(0x51), user(0x52)


@dataclass
class SilentGame:
    """A chain, what changes in it without a log, and the block (if any) in which no calldata shows it."""

    chain: ChainBuilder = field(default_factory=three_on_level_one)
    changes: dict[int, list[SilentChange]] = field(default_factory=dict)
    unseen: int | None = None

    @property
    def game(self) -> Game:
        """How the game stands now."""
        return play(self.chain.blocks, silent_changes=self.changes)

    def silently(self, transaction: RecordedTransaction, change: ConfigChange | Settlement) -> int:
        """A block with a transaction that makes a change; its number."""
        block = self.chain.block(transaction)
        self.changes[block.number] = [SilentChange(0, Hash(transaction.hash), change)]
        return block.number

    def settled(self, player: Address) -> tuple[int, int]:
        """A player's stake and pending rewards in wei, once the penalty is settled."""
        game = self.game
        game.settle(game.positions[player])
        position = game.positions[player]
        return position.amount, pending_rewards(position, game.levels[position.level])

    def reset(self, winner: Address | None) -> None:
        trigger_reset(self.chain, self.game.total_value_locked, winner)


@cache
def silent_game(*, unseen: bool) -> SilentGame:
    """A configuration changes, somebody dies, two resets are settled with and without a log.

    In one block, if `unseen`, by a transaction whose calldata shows nothing. Between all of it there are empty blocks.
    """
    made = SilentGame()
    chain = made.chain
    chain.jack_in(DAVE, 400 * DATA, 2)
    chain.block()
    chain.events(("DataToken", Transfer(user(99), GHOST_CORE, 1110 * DATA)), emissions(1, 600 * DATA))
    made.silently(chain.transaction(sender=OWNER, calldata=update_level_config(1, CONFIG)), ConfigChange(1, CONFIG))
    chain.block()
    execute_scan(chain)
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    finalize_scan(chain, 1, 200 * DATA, 2)
    chain.block()
    chain.events(("GhostCore", StakeAdded(ALICE, 10 * DATA, 110 * DATA)), sender=ALICE)
    made.reset(ALICE)
    chain.block()
    made.silently(chain.transaction(sender=ALICE, calldata="0x372500ab"), Settlement(ALICE))
    chain.events(emissions(1, 300 * DATA))
    chain.block()
    _, pending = made.settled(CAROL)
    chain.events(("DataToken", Transfer(GHOST_CORE, CAROL, pending)), sender=CAROL, calldata="0x372500ab")
    if unseen:
        made.unseen = made.silently(chain.transaction(sender=OWNER, to=WALLET), Settlement(DAVE))
    chain.block()
    chain.events(emissions(2, 200 * DATA))
    made.reset(None)
    chain.block()
    amount, pending = made.settled(DAVE)
    chain.events(
        ("DataToken", Transfer(GHOST_CORE, DAVE, amount + pending)),
        ("GhostCore", Extracted(DAVE, amount, pending)),
        sender=DAVE,
    )
    chain.block()
    return made
