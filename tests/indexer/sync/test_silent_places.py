"""The block and the transaction in which a change without a log is found, where the node has the block's state."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection

from indexer.chain.closed_ranges import LAGGING_BLOCKS
from indexer.domain.chain import ConfigChange, Settlement, SilentChange
from indexer.domain.events import StakeAdded, Transfer
from indexer.domain.levels import INITIAL_CONFIGS
from indexer.domain.units import DATA, NO_HASH, Address, Hash
from indexer.replay.server import ReplayServer
from indexer.rules.block import decode_changes
from tests.chains import ADDRESSES, GHOST_CORE, OPAQUE, update_level_config, user, wrapped
from tests.contract_state import state_of
from tests.indexer.rules.scenarios import ALICE, CAROL, DAVE, emissions
from tests.indexer.sync.game_with_silent_changes import OWNER, SilentGame
from tests.indexing import index

EVE, FRANK, GRACE = user(0xE), user(0xF), user(0x10)


def archived_changes(connection: Connection[Any]) -> dict[int, Sequence[SilentChange]]:
    """The silent changes that were found, by block."""
    rows = connection.execute("SELECT id >> 23, answer FROM witness_answers ORDER BY id").fetchall()
    return {number: decode_changes(json.loads(answer)) for number, answer in rows}


def settle(made: SilentGame, player: Address) -> None:
    """A player's wallet claims nothing."""
    made.silently(made.chain.transaction(sender=OWNER, to=player, calldata=OPAQUE), Settlement(player))


def settle_and_be_paid(made: SilentGame, player: Address) -> None:
    """Of what is emitted in between the player gets another share than without the settlement."""
    settle(made, player)
    made.chain.events(emissions(made.game.positions[player].level, 30 * DATA))
    paid = ("DataToken", Transfer(GHOST_CORE, player, made.settled(player)[1]))
    made.chain.events(paid, sender=OWNER, to=player, calldata=OPAQUE)


def test_what_an_event_hides_is_found_between_changes_by_which_rules_break(connection: Connection[Any]) -> None:
    """What Alice adds would have settled her penalty all the same; between the first and the last block that differs
    the contracts' state is for the most part the mirror's."""
    made = SilentGame()
    for player, level in ((DAVE, 2), (GRACE, 2), (EVE, 3), (FRANK, 3)):
        made.chain.jack_in(player, 400 * DATA, level)
    made.reset(CAROL)
    settle_and_be_paid(made, DAVE)
    settle(made, ALICE)
    stake, _ = made.settled(ALICE)
    added = ("GhostCore", StakeAdded(ALICE, DATA, stake + DATA))
    made.chain.events(added, sender=OWNER, to=ALICE, calldata=OPAQUE)
    for _ in range(12):
        made.chain.block()
    settle_and_be_paid(made, EVE)
    for _ in range(LAGGING_BLOCKS):
        made.chain.block()
    with ReplayServer(made.chain.blocks, state=state_of(made.chain.blocks, made.changes)) as server:
        index(server, ADDRESSES)
    assert archived_changes(connection) == made.changes


def test_without_any_state_every_block_is_read_in_full_however_seldom_it_is_to_be_compared(
    connection: Connection[Any],
) -> None:
    made = SilentGame()
    config = replace(INITIAL_CONFIGS[1], base_death_rate_bps=600)
    call = update_level_config(1, config)
    made.silently(made.chain.transaction(sender=OWNER, calldata=call), ConfigChange(1, config))
    made.chain.block()
    with ReplayServer(made.chain.blocks) as server:
        index(server, ADDRESSES, batch_size=1, state_every=100)
    assert archived_changes(connection) == made.changes


def test_a_configuration_is_made_by_the_first_of_equal_calls_and_by_none_of_another(
    connection: Connection[Any],
) -> None:
    """What a contract has made out of its storage is shown by no calldata of the block."""
    made = SilentGame()
    one, other, hidden = (
        ConfigChange(level, replace(INITIAL_CONFIGS[level], base_death_rate_bps=600)) for level in (1, 2, 3)
    )
    call, call_of_other = (update_level_config(change.level, change.config) for change in (one, other))
    equal = [made.chain.transaction(sender=OWNER, calldata=call) for _ in range(2)]
    block = made.chain.block(*equal)
    made.changes[block.number] = [SilentChange(0, Hash(equal[0].hash), one)]
    nested = made.chain.transaction(sender=OWNER, to=OWNER, calldata=wrapped((GHOST_CORE, call_of_other)))
    block = made.chain.block(nested, made.chain.transaction(sender=OWNER, to=OWNER, calldata=OPAQUE))
    made.changes[block.number] = [SilentChange(0, Hash(nested.hash), other), SilentChange(None, NO_HASH, hidden)]
    with ReplayServer(made.chain.blocks, state=state_of(made.chain.blocks, made.changes)) as server:
        index(server, ADDRESSES)
    assert archived_changes(connection) == made.changes
