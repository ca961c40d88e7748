"""The recorded season: every figure must be the contracts' own, by whatever route it was indexed."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import Connection

from indexer.maintenance.dump import dump_state
from indexer.replay.chain import ReorgPlan
from indexer.replay.limits import Limits
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.checkpoint import read_checkpoint
from indexer.store.database import connect
from indexer.store.digest import state_digest
from tests.databases import default_database
from tests.filling import fill
from tests.indexing import following, index
from tests.processes import HEAD, await_block, await_tip, run_command

LAST = 1007
LATER = 600
"""A block at which what begins at `HEAD` may end."""


@pytest.fixture
def season_database(indexed_season: str, django_db_blocker: Any) -> Iterator[Connection[Any]]:
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        yield connection


@pytest.fixture
def digest(digest_at: Callable[[int], str]) -> str:
    return digest_at(LAST)


@pytest.fixture
def expected(truth: Truth) -> Any:
    return copy.deepcopy(truth.document)


@pytest.mark.parametrize("block", [137, 314, 510, 686, 882, 1007])
def test_state_at_a_checkpoint_equals_the_contracts_own(
    season_database: Connection[Any], expected: dict[str, Any], block: int
) -> None:
    truth = expected["checkpoints"][str(block)]
    state = dump_state(season_database, block)
    players = state.pop("players")
    for address, player in truth["players"].items():
        if address in players:
            assert players[address] == player, address
        else:
            assert player["level"] == 0, f"{address} is missing"
    for number, level in state.pop("levels").items():
        assert level == {key: truth["levels"][number][key] for key in level}
    balances = state.pop("balances")
    assert {address: balances.pop(address, "0") for address in truth["balances"]} == truth["balances"]
    assert set(balances.values()) <= {"0"}
    truth["bets"].sort(key=lambda bet: (bet["roundId"], bet["user"]))
    assert state == {key: truth[key] for key in state}


def test_every_death_is_the_right_player_s(season_database: Connection[Any], expected: dict[str, Any]) -> None:
    rows = season_database.execute(
        "SELECT id >> 23, scan_id::int, level, '0x' || encode(address, 'hex'), amount::text, streak, evidence"
        " FROM deaths ORDER BY 1, 4"
    ).fetchall()
    deaths = sorted(
        (death["block"], death["scanId"], death["level"], death["user"], death["amount"], death["streak"], "calldata")
        for death in expected["deaths"]
    )
    assert sorted(rows) == deaths


def test_every_culling_is_the_right_player_s(season_database: Connection[Any], expected: dict[str, Any]) -> None:
    rows = season_database.execute(
        "SELECT id >> 23, level, '0x' || encode(victim, 'hex'), amount::text, streak,"
        " '0x' || encode(new_entrant, 'hex') FROM cullings"
    ).fetchall()
    assert sorted(rows) == sorted(
        (cull["block"], cull["level"], cull["victim"], cull["amount"], cull["streak"], cull["newEntrant"])
        for cull in expected["culls"]
    )


def test_every_reset_names_who_was_really_paid(season_database: Connection[Any], expected: dict[str, Any]) -> None:
    rows = season_database.execute(
        "SELECT id >> 23, total_penalty::text, '0x' || encode(winner, 'hex') FROM system_resets"
    ).fetchall()
    assert sorted(rows) == sorted(
        (reset["block"], reset["totalPenalty"], reset["paidTo"]) for reset in expected["resets"]
    )


def test_every_silent_settlement_is_seen(season_database: Connection[Any], expected: dict[str, Any]) -> None:
    rows = season_database.execute(
        "SELECT id >> 23, '0x' || encode(tx_hash, 'hex'), '0x' || encode(address, 'hex'), penalty::text"
        " FROM positions WHERE action = 'penalty_settled'"
    ).fetchall()
    assert sorted(rows) == sorted(
        (settled["block"], settled["tx"], settled["user"], settled["penalty"])
        for settled in expected["silentSettlements"]
    )


def test_look_alikes_of_other_contracts_leave_no_trace(
    season_database: Connection[Any], expected: dict[str, Any]
) -> None:
    (archived,) = season_database.execute("SELECT count(*) FROM chain_events").fetchone() or (0,)
    (undecoded,) = season_database.execute("SELECT count(*) FROM undecoded_logs").fetchone() or (0,)
    assert archived == expected["logs"] - expected["foreignLogs"]
    assert undecoded == 0


@pytest.mark.parametrize(("batch_size", "last"), [(1, 400), (7, LATER), (1000, LAST)])
def test_batch_borders_do_not_matter(
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Callable[[int], str],
    batch_size: int,
    last: int,
) -> None:
    if batch_size < LATER:
        fill(connection, HEAD)
    with ReplayServer(season) as server:
        watcher = index(server, truth.contracts, batch_size=batch_size, to_block=last)
    assert max(watcher.batches) <= batch_size
    assert digest_now() == digest_at(last)


def test_following_the_head_gives_what_a_backfill_gives(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    """Block by block at first, then as fast as the head moves."""
    fill(connection, HEAD)
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        with following(server, truth.contracts, ws=True) as watchers:
            for head in range(HEAD + 1, HEAD + 41):
                server.restore_recorded(head)
                await_block(connection, head)
        assert watchers[0].batches == [1] * 40
    with ReplayServer(season, ReplayOptions(head=HEAD + 40, blocks_per_second=200)) as server:
        index(server, truth.contracts, to_block=LATER, ws=True)
    assert digest_now() == digest_at(LATER)


def test_stopping_and_going_on_gives_the_same(
    database: str, season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    with ReplayServer(season) as server:
        for stop_after in (1, 110, 111, 275, None):
            index(server, truth.contracts, stop_after=stop_after, batch_size=5, to_block=400)
    assert digest_now() == digest_at(400)


def test_reorgs_on_the_way_give_the_same(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    """Some forks are followed for certain; which of the others are seen depends on how fast the indexer is."""
    fill(connection, HEAD)
    options = ReplayOptions(head=HEAD, reorgs=ReorgPlan(every=40, depth=20, seed=3))
    with ReplayServer(season, options) as server:
        with following(server, truth.contracts, ws=True) as watchers:
            while server.chain.head < 400 or server.chain.forked:
                await_tip(connection, server.chain.blocks[-1].hash)
                server.advance()
        assert len(watchers[0].rollbacks) >= 2
    options = ReplayOptions(head=400, blocks_per_second=150, reorgs=ReorgPlan(every=40, depth=20, seed=4))
    with ReplayServer(season[: LATER + 1], options) as server:  # a chain's last block is of no fork
        index(server, truth.contracts, to_block=LATER, ws=True)
    assert digest_now() == digest_at(LATER)


def test_a_reorg_while_the_indexer_was_down_is_undone_at_the_start(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """First by a fork of the same height, which brings no new block to notice it by; then by a longer one."""
    fill(connection, HEAD)
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server:
        digests = [digest_now()]
        for height in (HEAD, HEAD + 1):
            server.reorg(30)
            watcher = index(server, truth.contracts)
            assert [rollback.depth for rollback in watcher.rollbacks] == [30]
            checkpoint = read_checkpoint(connection)
            digests.append(state_digest(connection, HEAD))
            assert (checkpoint.block_number, checkpoint.block_hash) == (height, server.chain.blocks[-1].hash)
    assert digests[0] == digests[2] != digests[1]


def test_a_flaky_limiting_node_gives_the_same(
    database: str, season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    options = ReplayOptions(
        flaky=0.1, rate_limit=200, max_batch=20, limits=Limits(max_range=60, max_results=1500, strict_head=True)
    )
    with ReplayServer(season, options) as server:
        index(server, truth.contracts, to_block=LATER)
    assert digest_now() == digest_at(LATER)


def test_the_digest_at_a_block_is_that_of_a_chain_that_ends_there(
    database: str, season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    with ReplayServer(season) as server:
        index(server, truth.contracts, to_block=200)
    assert digest_now() == digest_at(200)


def test_a_changed_figure_changes_the_digest(connection: Connection[Any]) -> None:
    fill(connection, HEAD)
    before = digest_now(at_block=HEAD - 1)
    connection.execute("UPDATE bets SET payout = payout + 1 WHERE id = (SELECT min(id) FROM bets)")
    assert digest_now(at_block=HEAD - 1) != before


def test_the_commands_index_dump_and_digest(database: str, season: list[RecordedBlock], digest: str) -> None:
    with ReplayServer(season) as server:
        indexed = run_command(database, server.url, "index_chain", "--until-head")
        assert indexed.returncode == 0, indexed.stderr
        assert "indexed up to block 1007" in indexed.stderr
        assert run_command(database, server.url, "state_digest").stdout.strip() == digest
        dumped = json.loads(run_command(database, server.url, "dump_state", "--at-block", "1007").stdout)
        assert dumped["block"] == LAST
        beyond = run_command(database, server.url, "dump_state", "--at-block", "1008")
        assert beyond.returncode == 1
        assert "block 1008 is not indexed: this database covers 0 to 1007" in beyond.stderr
        assert "Traceback" not in beyond.stderr


def digest_now(at_block: int | None = None) -> str:
    with connect() as connection:
        return state_digest(connection, at_block)
