"""One test per rule of the game, on hand-made chains."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest
from eth_abi import abi

from indexer.apply.deaths import draw
from indexer.domain.errors import DeathsUnresolved, InvariantBroken
from indexer.domain.events import (
    BetPlaced,
    BoostApplied,
    CascadeDistributed,
    DeathsProcessed,
    DeathsSubmitted,
    EmissionsAdded,
    Extracted,
    Initialized,
    JackedIn,
    Paused,
    PositionCulled,
    RoundCreated,
    RoundResolved,
    ScanExecuted,
    ScanFinalized,
    StakeAdded,
    SurvivorsUpdated,
    SystemResetTriggered,
    Transfer,
    Unpaused,
    WinningsClaimed,
)
from indexer.domain.game import Game
from indexer.domain.levels import LevelConfig
from indexer.domain.positions import Status, ghost_streak, pending_rewards
from indexer.domain.records import DeathRow, PositionRow, ProtocolStateRow, SystemResetRow
from indexer.domain.reset import DAY, HOUR
from indexer.domain.units import DATA, DEAD_ADDRESS, ZERO_ADDRESS, Address
from tests.chains import GHOST_CORE, TRACE_SCAN, ChainBuilder, play, submit_deaths, user, wrapped

ALICE, BOB, CAROL, DAVE = user(0xA), user(0xB), user(0xC), user(0xD)
TREASURY, KEEPER = user(0x77), user(0x88)
SEED = 4711


def emissions(level: int, amount: int) -> tuple[str, EmissionsAdded]:
    return ("GhostCore", EmissionsAdded(level, amount))


def three_on_level_one() -> ChainBuilder:
    chain = ChainBuilder()
    chain.deploy()
    for who, amount in ((ALICE, 100), (BOB, 200), (CAROL, 300)):
        chain.jack_in(who, amount * DATA, 1)
    return chain


def execute_scan(chain: ChainBuilder, level: int = 1, scan_id: int = 1, seed: int = SEED) -> None:
    chain.events(("TraceScan", ScanExecuted(level, scan_id, seed, chain.now + 1)), to=TRACE_SCAN)


def death_events(count: int, total: int, level: int = 1, scan_id: int = 1) -> list[tuple[str, object]]:
    return [
        ("GhostCore", DeathsProcessed(level, count, total, 0, 0)),
        ("TraceScan", DeathsSubmitted(level, scan_id, count, total, KEEPER)),
    ]


def finalize_scan(
    chain: ChainBuilder, deaths: int, total: int, survivors: int, *, level: int = 1, scan_id: int = 1
) -> None:
    cascade: list[tuple[str, object]] = []
    if deaths:
        protocol = total - 3 * (total * 3000 // 10000)
        share = total * 3000 // 10000
        cascade = [
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, share)),
            ("DataToken", Transfer(GHOST_CORE, TREASURY, protocol)),
            ("GhostCore", CascadeDistributed(level, share, share, share, protocol)),
        ]
    chain.events(
        *cascade,
        ("GhostCore", SurvivorsUpdated(level, survivors)),
        ("TraceScan", ScanFinalized(level, scan_id, deaths, total, chain.now + 1)),
        to=TRACE_SCAN,
    )


def trigger_reset(chain: ChainBuilder, total_staked: int, winner: Address | None) -> None:
    penalty = total_staked * 2500 // 10000
    jackpot, burned = penalty // 2, penalty * 3000 // 10000
    paid = [("DataToken", Transfer(GHOST_CORE, winner, jackpot))] if winner else []
    chain.events(
        *paid,
        ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, burned)),
        ("DataToken", Transfer(GHOST_CORE, TREASURY, penalty - jackpot - burned)),
        ("GhostCore", SystemResetTriggered(penalty, ZERO_ADDRESS, jackpot)),
    )


def dead_in(game: Game) -> Sequence[Address]:
    return [row.address for row in game.journal.rows[DeathRow]]


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


def test_rule_9_if_several_may_have_settled_unseen_the_node_s_state_tells() -> None:
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


@pytest.mark.parametrize("wallet", [False, True], ids=["directly", "through a contract wallet"])
def test_rule_9_a_claim_of_nothing_settles_the_penalty_without_a_log(wallet: bool) -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    claim = (
        chain.transaction(sender=user(5), to=ALICE, calldata=wrapped((GHOST_CORE, "0x372500ab")))
        if wallet
        else chain.transaction(sender=ALICE, calldata="0x372500ab")
    )
    chain.block(claim)
    game = play(chain.blocks)
    assert game.positions[ALICE].amount == 75 * DATA
    row = game.journal.rows[PositionRow][-1]
    assert (row.action, row.event_id, row.tx_hash) == ("penalty_settled", None, claim.hash)


def test_rule_9_a_failed_claim_settles_nothing() -> None:
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    chain.block(chain.transaction(sender=ALICE, calldata="0x372500ab", status=0))
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


def doomed_by(seed: int, *who: Address) -> bool:
    return all(draw(seed, address) < 500 for address in who)


def seed_that_dooms(*who: Address, spares: Sequence[Address] = ()) -> int:
    return next(
        seed
        for seed in range(10**7)
        if doomed_by(seed, *who) and not any(draw(seed, address) < 500 for address in spares)
    )


def test_rule_13_without_calldata_the_draw_tells_if_count_and_stake_fit() -> None:
    chain = three_on_level_one()
    seed = seed_that_dooms(ALICE, CAROL, spares=[BOB])
    execute_scan(chain, seed=seed)
    chain.events(*death_events(2, 400 * DATA), to=KEEPER, calldata="0x1234")
    game = play(chain.blocks)
    assert sorted(dead_in(game)) == sorted([ALICE, CAROL])
    assert {row.evidence for row in game.journal.rows[DeathRow]} == {"draw"}


def test_rule_13_of_the_doomed_the_stakes_tell_who_was_submitted() -> None:
    chain = three_on_level_one()
    execute_scan(chain, seed=seed_that_dooms(ALICE, CAROL))
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0x1234")
    assert dead_in(play(chain.blocks)) == [CAROL]


def test_rule_13_if_nothing_tells_the_indexer_stops_and_says_what_would_help() -> None:
    chain = three_on_level_one()
    execute_scan(chain, seed=seed_that_dooms(BOB, spares=[ALICE, CAROL]))
    chain.events(*death_events(1, 300 * DATA), to=KEEPER, calldata="0x1234")
    with pytest.raises(DeathsUnresolved, match="debug_traceTransaction"):
        play(chain.blocks)


class RecordedWitness:
    """A node that traces, or that knows who is alive."""

    def __init__(
        self,
        lists: Sequence[tuple[int, Sequence[Address]]] | None,
        dead: set[Address],
        stakes: Mapping[Address, int] = MappingProxyType({}),
    ) -> None:
        self._lists = lists
        self._dead = dead
        self._stakes = stakes

    def stake(self, user: Address, block_number: int) -> int | None:
        return self._stakes.get(user)

    def submitted_lists(self, tx_hash: str) -> Sequence[tuple[int, Sequence[Address]]] | None:
        return self._lists

    def is_alive(self, user: Address, block_number: int) -> bool:
        return user not in self._dead


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
    chain.block(chain.transaction(sender=ALICE, calldata="0x372500ab"))
    game = play(chain.blocks)
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


def test_a_changed_configuration_is_read_from_calldata() -> None:
    chain = three_on_level_one()
    config = LevelConfig(600, 7200, 11 * DATA, 4000, 4000, 7000)
    types = ["uint8", "uint16", "uint32", "uint256", "uint32", "uint16", "uint16"]
    values = [1, 600, 7200, 11 * DATA, 4000, 4000, 7000]
    call = "0xa6388332" + abi.encode(types, values).hex()
    chain.block(chain.transaction(calldata=call))
    chain.block(
        chain.transaction(to=KEEPER, calldata=wrapped((GHOST_CORE, call.replace("0" * 63 + "1", "0" * 63 + "2", 1))))
    )
    chain.block(chain.transaction(calldata=call.replace("0258", "03e8"), status=0))
    game = play(chain.blocks)
    assert game.levels[1].config == config
    assert game.levels[2].config == config


def test_the_first_scans_are_an_interval_after_deployment() -> None:
    chain = ChainBuilder()
    chain.deploy()
    deployed = chain.now
    chain.events(("GhostCore", Initialized(2)))
    game = play(chain.blocks)
    assert [level.next_scan_time - deployed for level in game.levels.values()] == [14400, 10800, 7200, 3600, 1800]
    assert game.reset.deadline == deployed + DAY


@pytest.mark.parametrize(
    ("deposit", "hours"), [(10, 1), (49, 1), (50, 4), (199, 4), (200, 8), (499, 8), (500, 16), (999, 16), (1000, 24)]
)
def test_a_deposit_extends_the_reset_timer_by_its_size(deposit: int, hours: int) -> None:
    chain = ChainBuilder()
    chain.deploy()
    chain.block(after=DAY)
    chain.jack_in(ALICE, deposit * DATA, 1)
    reset = play(chain.blocks).reset
    assert reset.deadline == chain.now + hours * HOUR
    assert (reset.last_depositor, reset.last_deposit_time) == (ALICE, chain.now)


def test_a_small_deposit_does_not_shorten_the_reset_timer() -> None:
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(ALICE, 1000 * DATA, 1)
    deadline = chain.now + DAY
    chain.jack_in(BOB, 10 * DATA, 1)
    assert play(chain.blocks).reset.deadline == deadline


def bets_in_round_one() -> ChainBuilder:
    chain = ChainBuilder()
    chain.deploy()
    chain.events(("DeadPool", RoundCreated(1, 1, 0, 2**256 - 1, 2**64 - 1)))
    chain.events(("DeadPool", BetPlaced(1, ALICE, True, 60)), ("DeadPool", BetPlaced(1, BOB, False, 30)))
    chain.events(("DeadPool", BetPlaced(1, ALICE, True, 40)))
    return chain


def test_bets_add_up_and_winnings_are_paid_after_the_rake() -> None:
    chain = bets_in_round_one()
    chain.events(("DeadPool", RoundResolved(1, True, 130, 6)))
    chain.events(("DeadPool", WinningsClaimed(1, ALICE, 124)))
    game = play(chain.blocks)
    round_ = game.rounds[1]
    assert (round_.over_pool, round_.under_pool, round_.resolve_time) == (100, 30, chain.now - 1)
    assert game.bets[1] == {}


@pytest.mark.parametrize(
    "event",
    [RoundResolved(1, True, 131, 6), RoundResolved(1, True, 130, 7), BetPlaced(1, ALICE, False, 1)],
    ids=["pot", "rake", "side"],
)
def test_a_pot_rake_or_side_that_does_not_add_up_is_a_contradiction(event: object) -> None:
    chain = bets_in_round_one()
    chain.events(("DeadPool", event))
    with pytest.raises(InvariantBroken):
        play(chain.blocks)


@pytest.mark.parametrize(
    "event",
    [
        ("GhostCore", EmissionsAdded(0, 1)),
        ("GhostCore", StakeAdded(DAVE, 1, 1)),
        ("DeadPool", BetPlaced(7, ALICE, True, 1)),
        ("DeadPool", WinningsClaimed(7, ALICE, 1)),
        ("TraceScan", ScanFinalized(1, 9, 0, 0, 1)),
    ],
    ids=lambda event: type(event[1]).__name__,
)
def test_an_event_about_something_that_does_not_exist_stops_with_its_place(event: tuple[str, object]) -> None:
    chain = three_on_level_one()
    block = chain.events(event)
    with pytest.raises(InvariantBroken, match=f"block {block.number}, tx {block.txs[0].hash}, log 0"):
        play(chain.blocks)


def test_only_burns_to_zero_lower_the_supply() -> None:
    chain = ChainBuilder()
    chain.deploy()
    chain.events(("DataToken", Transfer(user(99), DEAD_ADDRESS, 5)), ("DataToken", Transfer(user(99), ZERO_ADDRESS, 7)))
    game = play(chain.blocks)
    assert game.total_supply == 10**9 * DATA - 7
    assert game.journal.rows[ProtocolStateRow][-1].total_supply == game.total_supply


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
