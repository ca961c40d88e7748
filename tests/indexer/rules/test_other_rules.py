"""Configuration, timers, betting, supply, and events about what does not exist."""

import pytest

from indexer.domain.chain import ConfigChange, SilentChange
from indexer.domain.events import (
    BetPlaced,
    EmissionsAdded,
    Initialized,
    RoundCreated,
    RoundResolved,
    ScanFinalized,
    StakeAdded,
    Transfer,
    WinningsClaimed,
)
from indexer.domain.levels import INITIAL_CONFIGS, LevelConfig
from indexer.domain.reset import DAY, HOUR
from indexer.domain.units import DATA, DEAD_ADDRESS, NO_HASH, ZERO_ADDRESS
from indexer.records.rows import LevelStateRow, ProtocolStateRow
from indexer.rules.errors import BelowZero, InvariantBroken
from tests.chains import GHOST_CORE, ChainBuilder, play, update_level_config, user, wrapped
from tests.indexer.rules.scenarios import ALICE, BOB, DAVE, KEEPER, three_on_level_one

CONFIG = LevelConfig(600, 7200, 11 * DATA, 4000, 4000, 7000)


def test_a_changed_configuration_is_a_version_of_its_level() -> None:
    chain = three_on_level_one()
    block = chain.block()
    game = play(chain.blocks, silent_changes={block.number: [SilentChange(None, NO_HASH, ConfigChange(2, CONFIG))]})
    assert game.levels[2].config == CONFIG
    assert game.levels[1].config == INITIAL_CONFIGS[1]
    row = game.journal.rows[LevelStateRow][-1]
    assert (row.id >> 23, row.level, row.base_death_rate_bps, row.scan_interval) == (block.number, 2, 600, 7200)


def test_a_configuration_that_is_set_again_leaves_nothing() -> None:
    chain = three_on_level_one()
    before = len(play(chain.blocks).journal.rows[LevelStateRow])
    block = chain.block()
    same = SilentChange(None, NO_HASH, ConfigChange(1, INITIAL_CONFIGS[1]))
    assert len(play(chain.blocks, silent_changes={block.number: [same]}).journal.rows[LevelStateRow]) == before


def test_calldata_changes_no_configuration_by_itself() -> None:
    chain = three_on_level_one()
    call = update_level_config(1, CONFIG)
    chain.block(chain.transaction(calldata=call), chain.transaction(to=KEEPER, calldata=wrapped((GHOST_CORE, call))))
    assert play(chain.blocks).levels[1].config == INITIAL_CONFIGS[1]


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


@pytest.mark.parametrize(
    ("transfer", "says"),
    [
        (Transfer(user(1), user(2), 10**9 * DATA + 1), f"the supply is {10**9 * DATA}"),
        (Transfer(user(1), ZERO_ADDRESS, 10**9 * DATA + 1), f"the supply is {10**9 * DATA}"),
        (Transfer(GHOST_CORE, user(1), 600 * DATA + 3), f"the balance of {GHOST_CORE} goes below zero, to -3 wei"),
    ],
    ids=["supply", "burn", "balance"],
)
def test_more_tokens_than_there_are_is_a_contradiction(transfer: Transfer, says: str) -> None:
    chain = three_on_level_one()
    block = chain.events(("DataToken", transfer))
    with pytest.raises(BelowZero, match=f"block {block.number}, .* log 0: .*{says}") as raised:
        play(chain.blocks)
    assert "start_block" in str(raised.value)
    assert "refetch_blocks" in str(raised.value)


def test_a_start_after_the_mint_is_seen_in_the_first_transfer() -> None:
    chain = three_on_level_one()
    with pytest.raises(BelowZero, match="the supply is 0"):
        play(chain.blocks[2:])
