"""Rules 1 to 10: positions, rewards, cullings and resets, one test or more each."""

import pytest

from indexer.domain.chain import Settlement, SilentChange
from indexer.domain.events import (
    BoostApplied,
    Extracted,
    JackedIn,
    Paused,
    PositionCulled,
    StakeAdded,
    Transfer,
    Unpaused,
)
from indexer.domain.positions import Status, ghost_streak, pending_rewards
from indexer.domain.units import DATA, DEAD_ADDRESS, NO_HASH, Hash
from indexer.records.rows import DeathRow, PositionRow, SystemResetRow
from indexer.rules.errors import InvariantBroken
from tests.chains import GHOST_CORE, TRACE_SCAN, ChainBuilder, play, submit_deaths, user, wrapped
from tests.indexer.rules.scenarios import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    RecordedWitness,
    death_events,
    emissions,
    execute_scan,
    finalize_scan,
    three_on_level_one,
    trigger_reset,
)


def test_rule_1_entering_opens_a_position_with_the_level_s_reward_debt() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    chain.jack_in(DAVE, 50 * DATA, 1)
    game = play(chain.blocks)
    position = game.positions[DAVE]
    assert (position.amount, position.level, position.alive) == (50 * DATA, 1, True)
    assert position.reward_debt == 50 * DATA
    assert pending_rewards(position, game.levels[1]) == 0
    assert game.levels[1].total_staked == 650 * DATA
    assert game.levels[1].alive_count == 4


def test_rule_2_adding_stake_forfeits_pending_rewards() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    chain.events(("GhostCore", StakeAdded(ALICE, 10 * DATA, 110 * DATA)))
    game = play(chain.blocks)
    assert pending_rewards(game.positions[ALICE], game.levels[1]) == 0
    assert game.positions[ALICE].reward_debt == 110 * DATA


def test_rule_3_extraction_pays_what_is_pending_and_takes_all_boosts() -> None:
    chain = three_on_level_one()
    chain.events(("GhostCore", BoostApplied(ALICE, 0, 100, 2**64 - 1)))
    chain.events(emissions(1, 600 * DATA))
    chain.events(
        ("DataToken", Transfer(GHOST_CORE, ALICE, 200 * DATA)),
        ("GhostCore", Extracted(ALICE, 100 * DATA, 100 * DATA)),
    )
    game = play(chain.blocks)
    assert ALICE not in game.positions
    assert ALICE not in game.boosts
    assert game.levels[1].total_staked == 500 * DATA


def test_rule_3_an_extraction_with_other_rewards_than_mirrored_stops_with_its_place() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    block = chain.events(("GhostCore", Extracted(ALICE, 100 * DATA, 99 * DATA)))
    with pytest.raises(InvariantBroken) as raised:
        play(chain.blocks)
    message = str(raised.value)
    assert f"block {block.number}" in message
    assert block.txs[0].hash in message
    assert f"expected {100 * DATA}" in message
    assert f"got {99 * DATA}" in message


def test_rule_3_while_paused_extracted_is_an_emergency_withdrawal_without_rewards() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    chain.events(("GhostCore", Paused(user(1))))
    chain.events(("GhostCore", Extracted(ALICE, 100 * DATA, 0)))
    chain.events(("GhostCore", Unpaused(user(1))))
    game = play(chain.blocks)
    assert game.journal.rows[PositionRow][-1].action == "emergency_withdrawn"
    assert game.levels[1].alive_count == 2


def test_a_pause_of_another_contract_does_not_make_extractions_emergencies() -> None:
    chain = three_on_level_one()
    chain.events(("DeadPool", Paused(user(1))), ("TraceScan", Paused(user(1))))
    assert not play(chain.blocks).paused


def test_rule_4_the_dead_keep_amount_and_level_and_lose_the_streak() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    finalize_scan(chain, 0, 0, 3)
    execute_scan(chain, scan_id=2)
    chain.events(*death_events(1, 200 * DATA, scan_id=2), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    game = play(chain.blocks)
    bob = game.positions[BOB]
    assert (bob.status, bob.amount, bob.level) == (Status.TRACED, 200 * DATA, 1)
    assert ghost_streak(bob, game.levels[1]) == 0
    assert ghost_streak(game.positions[ALICE], game.levels[1]) == 1
    assert game.journal.rows[DeathRow][0].streak == 1


def test_rule_5_after_an_emergency_withdrawal_the_dead_may_enter_again() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    chain.events(("GhostCore", Paused(user(1))))
    chain.events(("GhostCore", Extracted(BOB, 200 * DATA, 0)))
    chain.events(("GhostCore", Unpaused(user(1))))
    chain.jack_in(BOB, 20 * DATA, 1)
    game = play(chain.blocks)
    assert game.positions[BOB].alive
    assert game.levels[1].total_staked == (100 + 300 - 200 + 20) * DATA


def test_rule_5_a_second_entry_with_a_position_is_impossible() -> None:
    chain = three_on_level_one()
    chain.jack_in(ALICE, 20 * DATA, 1)
    with pytest.raises(InvariantBroken, match="has a position already"):
        play(chain.blocks)


def test_rule_6_withdrawing_a_dead_user_s_stake_pushes_a_living_stranger_off_the_array() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    finalize_scan(chain, 1, 200 * DATA, 2)
    chain.events(("GhostCore", Paused(user(1))))
    chain.events(("GhostCore", Extracted(BOB, 200 * DATA, 0)))
    chain.events(("GhostCore", Unpaused(user(1))))
    execute_scan(chain, scan_id=2)
    finalize_scan(chain, 0, 0, 1, scan_id=2)
    game = play(chain.blocks)
    level = game.levels[1]
    assert level.roster.members == [CAROL]
    assert game.positions[ALICE].alive
    assert ghost_streak(game.positions[ALICE], level) == 1
    assert ghost_streak(game.positions[CAROL], level) == 2


def test_rule_6_the_last_of_the_array_takes_the_place_of_who_leaves() -> None:
    chain = three_on_level_one()
    chain.events(("GhostCore", Extracted(ALICE, 100 * DATA, 0)))
    assert play(chain.blocks).levels[1].roster.members == [CAROL, BOB]


def cull_alice(chain: ChainBuilder) -> None:
    chain.events(
        ("DataToken", Transfer(GHOST_CORE, ALICE, 20 * DATA)),
        ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, 24 * DATA)),
        ("GhostCore", PositionCulled(ALICE, 80 * DATA, 20 * DATA, DAVE)),
        ("GhostCore", JackedIn(DAVE, 500 * DATA, 1, 500 * DATA)),
        ("DataToken", Transfer(DAVE, GHOST_CORE, 500 * DATA)),
    )


def test_rule_7_culling_takes_the_first_of_the_array_who_keeps_the_streak() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    finalize_scan(chain, 0, 0, 3)
    cull_alice(chain)
    game = play(chain.blocks)
    alice, level = game.positions[ALICE], game.levels[1]
    assert alice.status is Status.CULLED
    assert ghost_streak(alice, level) == 1
    assert pending_rewards(game.positions[BOB], level) == 56 * DATA * 200 // 500
    assert level.total_staked == 1000 * DATA


def test_rule_7_a_culling_of_anybody_else_is_a_contradiction() -> None:
    chain = three_on_level_one()
    chain.events(("GhostCore", PositionCulled(BOB, 160 * DATA, 40 * DATA, DAVE)))
    with pytest.raises(InvariantBroken, match="does not stand first"):
        play(chain.blocks)


def test_rule_8_the_penalty_is_taken_once_however_many_resets_lie_between() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    trigger_reset(chain, 600 * DATA, None)
    before = play(chain.blocks)
    assert before.positions[ALICE].amount == 100 * DATA
    chain.events(("GhostCore", StakeAdded(ALICE, 5 * DATA, 80 * DATA)))
    game = play(chain.blocks)
    assert game.positions[ALICE].amount == 80 * DATA
    assert game.levels[1].total_staked == (75 + 5 + 200 + 300) * DATA
    assert game.reset.epoch == 3


def test_rule_8_a_new_position_owes_nothing_for_earlier_resets() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    chain.jack_in(DAVE, 40 * DATA, 1)
    chain.events(("GhostCore", Extracted(DAVE, 40 * DATA, 0)))
    assert play(chain.blocks).levels[1].total_staked == 600 * DATA


def test_rule_9_a_penalty_settled_unseen_shows_in_the_next_reset() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    trigger_reset(chain, 575 * DATA, None)
    chain.events(("GhostCore", Extracted(ALICE, 100 * DATA * 75 * 75 // 10_000, 0)))
    assert play(chain.blocks).levels[1].total_staked == 500 * DATA


def test_rule_9_if_several_may_have_settled_unseen_the_node_s_state_decides() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    trigger_reset(chain, 525 * DATA, None)
    with pytest.raises(InvariantBroken, match="total penalty"):
        play(chain.blocks)
    witness = RecordedWitness(None, set(), {ALICE: 75 * DATA, BOB: 150 * DATA, CAROL: 300 * DATA})
    amounts = [position.amount for position in play(chain.blocks, witness).positions.values()]
    assert amounts == [75 * DATA, 150 * DATA, 300 * DATA]


def test_rule_9_a_payment_that_nothing_explains_is_a_claim() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    chain.events(("DataToken", Transfer(GHOST_CORE, BOB, 200 * DATA)), sender=BOB, calldata="0x372500ab")
    game = play(chain.blocks)
    row = game.journal.rows[PositionRow][-1]
    assert (row.action, row.address, row.rewards) == ("rewards_claimed", BOB, 200 * DATA)
    assert pending_rewards(game.positions[BOB], game.levels[1]) == 0


def test_rule_9_a_claim_of_another_amount_than_pending_is_a_contradiction() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    chain.events(("DataToken", Transfer(GHOST_CORE, BOB, 200 * DATA - 1)))
    with pytest.raises(InvariantBroken, match="rewards claimed"):
        play(chain.blocks)


def test_rule_9_a_claim_of_nothing_settles_the_penalty_without_a_log() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    block = chain.block(claim := chain.transaction(sender=ALICE, calldata="0x372500ab"))
    game = play(chain.blocks, silent_changes={block.number: [SilentChange(0, Hash(claim.hash), Settlement(ALICE))]})
    assert game.positions[ALICE].amount == 75 * DATA
    assert game.levels[1].total_staked == 575 * DATA
    row = game.journal.rows[PositionRow][-1]
    assert (row.action, row.event_id, row.tx_hash) == ("penalty_settled", None, claim.hash)


def test_rule_9_a_claim_of_nothing_counts_from_its_place_in_the_block_on() -> None:
    """Emissions of the transaction behind it are shared by the stake that is left, those before it by all."""
    shares = []
    for place in (0, 1):
        chain = three_on_level_one()
        trigger_reset(chain, 600 * DATA, CAROL)
        block = chain.events(emissions(1, 575 * 600 * DATA))
        game = play(chain.blocks, silent_changes={block.number: [SilentChange(place, NO_HASH, Settlement(ALICE))]})
        shares.append(game.levels[1].acc_rewards_per_share)
    assert shares == [600 * DATA, 575 * DATA]


def test_rule_9_what_settles_nothing_leaves_nothing() -> None:
    """Somebody without a position, a claim while nothing is owed, a second claim."""
    chain = three_on_level_one()
    early = chain.block()
    trigger_reset(chain, 600 * DATA, CAROL)
    late = chain.block()
    settled = SilentChange(None, NO_HASH, Settlement(ALICE))
    changes = {
        early.number: [settled],
        late.number: [settled, settled, SilentChange(None, NO_HASH, Settlement(DAVE))],
    }
    game = play(chain.blocks, silent_changes=changes)
    rows = [row for row in game.journal.rows[PositionRow] if row.action == "penalty_settled"]
    assert [(row.address, row.id >> 23) for row in rows] == [(ALICE, late.number)]
    assert game.levels[1].total_staked == 575 * DATA


@pytest.mark.parametrize("status", [0, 1])
def test_rule_9_calldata_settles_nothing_by_itself(status: int) -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    chain.block(
        chain.transaction(sender=ALICE, calldata="0x372500ab", status=status),
        chain.transaction(sender=user(5), to=ALICE, calldata=wrapped((GHOST_CORE, "0x372500ab")), status=status),
    )
    assert play(chain.blocks).positions[ALICE].amount == 100 * DATA


def test_rule_10_the_last_depositor_wins_whatever_the_event_says() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    trigger_reset(chain, 600 * DATA, None)
    first, second = play(chain.blocks).journal.rows[SystemResetRow]
    assert (first.winner, first.paid_amount) == (CAROL, 75 * DATA)
    assert (second.winner, second.paid_amount, second.jackpot_amount) == (None, 0, 75 * DATA)


def test_rule_10_a_jackpot_is_no_claim_of_rewards() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 600 * DATA))
    trigger_reset(chain, 600 * DATA, CAROL)
    game = play(chain.blocks)
    assert pending_rewards(game.positions[CAROL], game.levels[1]) == 300 * DATA


def test_leaving_entering_and_leaving_in_one_transaction_keeps_the_order() -> None:
    chain = three_on_level_one()
    chain.events(
        ("GhostCore", Extracted(ALICE, 100 * DATA, 0)),
        ("GhostCore", JackedIn(ALICE, 60 * DATA, 2, 60 * DATA)),
        ("GhostCore", Extracted(ALICE, 60 * DATA, 0)),
    )
    game = play(chain.blocks)
    assert [row.action for row in game.journal.rows[PositionRow][-3:]] == ["extracted", "jacked_in", "extracted"]
    assert len({row.id for row in game.journal.rows[PositionRow]}) == len(game.journal.rows[PositionRow])
