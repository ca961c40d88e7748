"""Rules 11 to 20: scans, deaths and who died, cascades, emissions."""

import pytest
from eth_abi import abi

from indexer.domain.chain import Settlement, SilentChange
from indexer.domain.events import (
    BoostApplied,
    Paused,
    StakeAdded,
)
from indexer.domain.positions import ghost_streak, pending_rewards
from indexer.domain.units import DATA, NO_HASH
from indexer.records.rows import DeathRow
from indexer.rules.errors import DeathsUnresolved, InvariantBroken
from tests.chains import TRACE_SCAN, play, submit_deaths, user, wrapped
from tests.indexer.rules.scenarios import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    KEEPER,
    RecordedWitness,
    dead_in,
    death_events,
    emissions,
    execute_scan,
    finalize_scan,
    seed_that_dooms,
    three_on_level_one,
    trigger_reset,
)


def test_rule_11_deaths_for_a_scan_that_is_not_open_are_a_contradiction() -> None:
    chain = three_on_level_one()
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    with pytest.raises(InvariantBroken, match="not open"):
        play(chain.blocks)


def test_rule_12_deaths_processed_without_deaths_submitted_is_a_contradiction() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.events(death_events(1, 200 * DATA)[0], calldata=submit_deaths(1, [BOB]))
    with pytest.raises(InvariantBroken, match="without DeathsSubmitted"):
        play(chain.blocks)


def test_rule_13_repeats_strangers_and_the_processed_are_skipped() -> None:
    chain = three_on_level_one()
    chain.jack_in(DAVE, 60 * DATA, 2)
    execute_scan(chain)
    listed = [BOB, DAVE, BOB, user(0x55), ALICE]
    chain.events(*death_events(2, 300 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, listed))
    assert dead_in(play(chain.blocks)) == [BOB, ALICE]


def test_rule_13_nested_calls_are_found_also_behind_failing_ones() -> None:
    chain = three_on_level_one()
    chain.jack_in(DAVE, 60 * DATA, 2)
    execute_scan(chain)
    execute_scan(chain, level=2, scan_id=2)
    calldata = wrapped(
        (TRACE_SCAN, submit_deaths(1, [CAROL, ALICE])),
        (TRACE_SCAN, submit_deaths(1, [BOB])),
        (TRACE_SCAN, submit_deaths(2, [DAVE])),
    )
    chain.events(
        *death_events(1, 200 * DATA),
        *death_events(1, 60 * DATA, level=2, scan_id=2),
        to=KEEPER,
        calldata=calldata,
    )
    assert dead_in(play(chain.blocks)) == [BOB, DAVE]


def test_rule_13_addresses_under_another_selector_or_packed_are_found() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0xdeadbeef" + CAROL[2:] + "00")
    other = "0x12345678" + abi.encode(["address[]", "uint256"], [[ALICE, BOB], 7]).hex()
    chain.events(*death_events(2, 300 * DATA), to=KEEPER, calldata=other)
    game = play(chain.blocks)
    assert dead_in(game) == [CAROL, ALICE, BOB]
    assert {row.evidence for row in game.journal.rows[DeathRow]} == {"calldata"}


def test_rule_13_without_calldata_the_draw_decides_if_count_and_stake_fit() -> None:
    chain = three_on_level_one()
    seed = seed_that_dooms(ALICE, CAROL, spares=[BOB])
    execute_scan(chain, seed=seed)
    chain.events(*death_events(2, 400 * DATA), to=KEEPER, calldata="0x1234")
    game = play(chain.blocks)
    assert sorted(dead_in(game)) == sorted([ALICE, CAROL])
    assert {row.evidence for row in game.journal.rows[DeathRow]} == {"draw"}


def test_rule_13_of_the_doomed_the_stakes_show_who_was_submitted() -> None:
    chain = three_on_level_one()
    execute_scan(chain, seed=seed_that_dooms(ALICE, CAROL))
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0x1234")
    assert dead_in(play(chain.blocks)) == [CAROL]


def test_rule_13_if_no_source_names_the_dead_indexing_stops_with_help() -> None:
    chain = three_on_level_one()
    execute_scan(chain, seed=seed_that_dooms(BOB, spares=[ALICE, CAROL]))
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0x1234")
    with pytest.raises(DeathsUnresolved, match="debug_traceTransaction"):
        play(chain.blocks)


@pytest.mark.parametrize(
    ("witness", "evidence"),
    [(RecordedWitness([(1, [CAROL])], set()), "trace"), (RecordedWitness(None, {CAROL}), "state")],
)
def test_rule_13_a_node_that_traces_or_keeps_state_is_asked(witness: RecordedWitness, evidence: str) -> None:
    chain = three_on_level_one()
    execute_scan(chain, seed=seed_that_dooms(BOB, spares=[ALICE, CAROL]))
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0x1234")
    game = play(chain.blocks, witness)
    assert dead_in(game) == [CAROL]
    assert game.journal.rows[DeathRow][0].evidence == evidence


@pytest.mark.parametrize(("expiry_after", "dies"), [(3600, False), (1, True)])
def test_rule_14_boosts_count_while_unexpired_at_submission(expiry_after: int, dies: bool) -> None:
    chain = three_on_level_one()
    seed = seed_that_dooms(ALICE, CAROL, spares=[BOB])
    execute_scan(chain, seed=seed)
    chain.events(("GhostCore", BoostApplied(ALICE, 0, 500, chain.now + 1 + expiry_after)))
    count, total = (2, 400 * DATA) if dies else (1, 300 * DATA)
    chain.events(*death_events(count, total), to=KEEPER, calldata="0x1234", after=2)
    assert (ALICE in dead_in(play(chain.blocks))) is dies


def test_rule_15_a_submission_without_logs_changes_nothing() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.block(chain.transaction(to=TRACE_SCAN, calldata=submit_deaths(1, [user(0x55)])))
    finalize_scan(chain, 0, 0, 3)
    assert dead_in(play(chain.blocks)) == []


def test_rule_16_everyone_in_the_array_gains_a_streak_and_the_next_scan_is_an_interval_away() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.jack_in(DAVE, 60 * DATA, 1)
    finalize_scan(chain, 0, 0, 4)
    game = play(chain.blocks)
    level = game.levels[1]
    assert [ghost_streak(game.positions[who], level) for who in (ALICE, DAVE)] == [1, 1]
    assert level.next_scan_time == chain.now + 14_400


def test_rule_16_a_wrong_number_of_survivors_is_a_contradiction() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    finalize_scan(chain, 0, 0, 4)
    with pytest.raises(InvariantBroken, match="survivors"):
        play(chain.blocks)


def test_rule_17_the_dead_pay_their_level_and_the_safer_ones() -> None:
    chain = three_on_level_one()
    chain.jack_in(DAVE, 1000 * DATA, 2)
    chain.jack_in(user(0xE), 500 * DATA, 2)
    execute_scan(chain, level=2)
    chain.events(*death_events(1, 1000 * DATA, level=2), to=TRACE_SCAN, calldata=submit_deaths(2, [DAVE]))
    finalize_scan(chain, 1, 1000 * DATA, 1, level=2)
    game = play(chain.blocks)
    assert pending_rewards(game.positions[user(0xE)], game.levels[2]) == 300 * DATA
    assert pending_rewards(game.positions[CAROL], game.levels[1]) == 150 * DATA


def test_rule_17_from_the_safest_level_nothing_goes_upstream() -> None:
    chain = three_on_level_one()
    execute_scan(chain)
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    finalize_scan(chain, 1, 200 * DATA, 2)
    game = play(chain.blocks)
    assert game.levels[1].acc_rewards_per_share == 60 * DATA * 10**18 // (400 * DATA)
    assert game.levels[2].acc_rewards_per_share == 0


def test_rule_18_emissions_for_an_empty_level_are_lost() -> None:
    chain = three_on_level_one()
    chain.events(emissions(5, 100 * DATA))
    assert play(chain.blocks).levels[5].acc_rewards_per_share == 0


def test_rule_19_after_settling_pending_rewards_are_never_negative() -> None:
    chain = three_on_level_one()
    chain.events(emissions(1, 60 * DATA))
    chain.events(("GhostCore", StakeAdded(ALICE, 100 * DATA, 200 * DATA)))
    trigger_reset(chain, 700 * DATA, ALICE)
    block = chain.block()
    game = play(chain.blocks, silent_changes={block.number: [SilentChange(None, NO_HASH, Settlement(ALICE))]})
    assert game.positions[ALICE].amount == 150 * DATA
    assert pending_rewards(game.positions[ALICE], game.levels[1]) == 0


def test_rule_20_scans_and_resets_go_on_while_ghost_core_is_paused() -> None:
    chain = three_on_level_one()
    chain.events(("GhostCore", Paused(user(1))))
    execute_scan(chain)
    chain.events(*death_events(1, 200 * DATA), to=TRACE_SCAN, calldata=submit_deaths(1, [BOB]))
    finalize_scan(chain, 1, 200 * DATA, 2)
    trigger_reset(chain, 400 * DATA, CAROL)
    assert play(chain.blocks).reset.epoch == 2
