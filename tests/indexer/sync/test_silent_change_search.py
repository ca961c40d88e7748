"""Changes without a log in blocks whose state the node has lost, found by the state of a later block."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.domain.chain import ConfigChange, Settlement
from indexer.domain.events import Extracted, JackedIn, PositionCulled, StakeAdded, Transfer
from indexer.domain.units import DATA, DEAD_ADDRESS, NO_HASH
from indexer.replay.calls import StateOptions
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.state import RecordedState
from indexer.rules.block import decode_changes
from tests.chains import ADDRESSES, CLAIM_REWARDS, GHOST_CORE, OPAQUE, update_level_config, user, wrapped
from tests.contract_state import state_document
from tests.indexer.rules.scenarios import ALICE, CAROL, DAVE, emissions
from tests.indexer.sync.game_with_silent_changes import OWNER, SilentGame
from tests.indexer.sync.recorded_views import differences, indexed_views, views_of
from tests.indexing import index
from tests.processes import checkpoint

CLAIM: Final = wrapped((GHOST_CORE, CLAIM_REWARDS))
STRANGER: Final = user(0x666)


def settle(made: SilentGame, calldata: str = OPAQUE) -> None:
    """Alice, a wallet, settles without a log."""
    made.silently(made.chain.transaction(sender=OWNER, to=ALICE, calldata=calldata), Settlement(ALICE))


def touch(made: SilentGame, calldata: str = OPAQUE) -> None:
    """Alice's wallet is called, and nothing changes."""
    made.chain.block(made.chain.transaction(sender=OWNER, to=ALICE, calldata=calldata))


def emit(made: SilentGame, tokens: int = 30) -> None:
    made.chain.events(emissions(1, tokens * DATA))


def settled_for_each_of_two_resets() -> SilentGame:
    made = SilentGame()
    made.reset(CAROL)
    settle(made)
    made.reset(None)
    settle(made)
    emit(made)
    return made


def settled_before_an_event_would_have_and_again_after_the_next_reset() -> SilentGame:
    made = SilentGame()
    made.reset(CAROL)
    settle(made)
    emit(made)
    amount, _ = made.settled(ALICE)
    added = ("GhostCore", StakeAdded(ALICE, 10 * DATA, amount + 10 * DATA))
    made.chain.block(made.chain.transaction(added, sender=OWNER, to=ALICE, calldata=OPAQUE))
    made.reset(ALICE)
    settle(made)
    emit(made)
    return made


def settled_by_who_left_afterwards() -> SilentGame:
    made = SilentGame()
    made.reset(CAROL)
    settle(made)
    emit(made)
    amount, pending = made.settled(ALICE)
    made.chain.block(
        made.chain.transaction(
            ("DataToken", Transfer(GHOST_CORE, ALICE, amount + pending)),
            ("GhostCore", Extracted(ALICE, amount, pending)),
            sender=OWNER,
            to=ALICE,
            calldata=OPAQUE,
        )
    )
    return made


def settled_by_the_first_of_two_calls() -> SilentGame:
    made = SilentGame()
    made.reset(CAROL)
    touch(made)
    settle(made, CLAIM)
    touch(made, CLAIM)
    emit(made)
    return made


def settled_after_what_was_emitted_between_two_calls() -> SilentGame:
    """What Alice was paid before leaves her nothing to claim after the next rewards either."""
    made = SilentGame()
    emit(made, 600)
    paid = Transfer(GHOST_CORE, ALICE, made.settled(ALICE)[1])
    made.chain.events(("DataToken", paid), sender=OWNER, to=ALICE, calldata=CLAIM)
    made.reset(CAROL)
    touch(made)
    emit(made, 3)
    settle(made)
    emit(made)
    return made


def settled_before_a_claim_that_paid_and_again_after_the_next_reset() -> SilentGame:
    """A claim's payment does not say what is left of the stake: two penalties here, and a third one since."""
    made = SilentGame()
    made.reset(CAROL)
    settle(made, CLAIM)
    made.reset(CAROL)
    emit(made, 600)
    paid = Transfer(GHOST_CORE, ALICE, made.settled(ALICE)[1])
    made.chain.events(("DataToken", paid), sender=OWNER, to=ALICE, calldata=CLAIM)
    made.reset(CAROL)
    settle(made)
    emit(made)
    return made


def configured_between_two_configurations() -> SilentGame:
    """A full level, by a configuration that the next one hides from the state. The decoy before it has no effect."""
    made = SilentGame()
    initial = made.game.levels[1].config
    full = replace(initial, max_positions=3, culling_penalty_bps=5_000)
    decoy = wrapped((GHOST_CORE, update_level_config(1, replace(full, culling_penalty_bps=6_000))))
    made.chain.block(made.chain.transaction(sender=STRANGER, to=STRANGER, calldata=decoy))
    nested = wrapped((GHOST_CORE, update_level_config(1, full)))
    made.silently(made.chain.transaction(sender=OWNER, to=OWNER, calldata=nested), ConfigChange(1, full))
    made.chain.events(
        ("DataToken", Transfer(GHOST_CORE, ALICE, 50 * DATA)),
        ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, 15 * DATA)),
        ("GhostCore", PositionCulled(ALICE, 50 * DATA, 50 * DATA, DAVE)),
        ("GhostCore", JackedIn(DAVE, 400 * DATA, 1, 400 * DATA)),
    )
    later = replace(initial, culling_penalty_bps=7_000)
    made.silently(made.chain.transaction(sender=OWNER, calldata=update_level_config(1, later)), ConfigChange(1, later))
    return made


def indexed_where_only_the_last_state_is_left(connection: Connection[Any], made: SilentGame) -> list[Any]:
    """The settlements that are found: block, transaction. The tables are right after the last block in any case."""
    made.chain.block()
    document = state_document(made.chain.blocks, made.changes)
    options = ReplayOptions(state=StateOptions(prune=0))
    with ReplayServer(made.chain.blocks, options, state=RecordedState(document)) as server:
        index(server, ADDRESSES)
        assert not server.statistics.methods["eth_getBlockReceipts"], "transactions are not asked for block by block"
    last = checkpoint(connection)
    assert last == len(made.chain.blocks) - 1
    wrong = differences(indexed_views(connection), views_of(document), last)
    assert not [one for one in wrong if f"after block {last}:" in one]
    return connection.execute(
        "SELECT id >> 23, '0x' || encode(tx_hash, 'hex') FROM positions WHERE action = 'penalty_settled' ORDER BY id"
    ).fetchall()


def recorded(made: SilentGame) -> Sequence[Any]:
    return [(number, silent.tx_hash) for number, changes in made.changes.items() for silent in changes]


@pytest.mark.parametrize(
    "play",
    [
        settled_for_each_of_two_resets,
        settled_before_an_event_would_have_and_again_after_the_next_reset,
        settled_before_a_claim_that_paid_and_again_after_the_next_reset,
        settled_by_who_left_afterwards,
        settled_by_the_first_of_two_calls,
        settled_after_what_was_emitted_between_two_calls,
    ],
)
def test_a_settlement_is_found_in_its_transaction(connection: Connection[Any], play: Any) -> None:
    made = play()
    assert indexed_where_only_the_last_state_is_left(connection, made) == recorded(made)


def test_a_configuration_that_a_later_one_hides_is_found_in_its_transaction(connection: Connection[Any]) -> None:
    """What calldata nests is tried where the rules break without it."""
    made = configured_between_two_configurations()
    indexed_where_only_the_last_state_is_left(connection, made)
    rows = connection.execute("SELECT id >> 23, answer FROM witness_answers ORDER BY id").fetchall()
    assert {number: decode_changes(json.loads(answer)) for number, answer in rows} == made.changes


def test_a_change_whose_place_nothing_shows_has_no_transaction(connection: Connection[Any]) -> None:
    """Two calls of the wallet, of which one settled: no figure shows which."""
    made = SilentGame()
    made.reset(CAROL)
    settle(made)
    touch(made)
    emit(made)
    (found,) = indexed_where_only_the_last_state_is_left(connection, made)
    assert found[1] == NO_HASH
    assert found[0] in (made.chain.blocks[-4].number, made.chain.blocks[-5].number)
