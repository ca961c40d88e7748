"""Changes without a log: found by the contracts' state, whatever the batches, and never accepted from calldata."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import pytest
from psycopg import Connection

from indexer.domain.units import Hash
from indexer.replay.calls import StateOptions
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.rules.errors import InvariantBroken
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.store.quarantine import quarantine_log
from tests.chains import recording
from tests.databases import copy_of, default_database, execute_on_server, make_once
from tests.filling import fill
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexer.sync.recorded_views import differences, indexed_views, recorded_views
from tests.indexing import following, index
from tests.processes import await_block, checkpoint
from tests.rows import fetch_one

NAMES: Final = ["busy", "traps"]
UNSEEN: Final = 66
"""The block of `traps` in which a penalty is settled that no calldata shows."""
RESET: Final = 370
"""The block of `demo` with a reset and, after it, a claim that settles its penalty."""
STANDSTILL: Final = 76
"""The block of `traps` in which a claim is paid by what was settled unseen."""


def node(name: str, options: ReplayOptions | None = None, *, with_state: bool = True) -> ReplayServer:
    """A node that serves a recording, and the contracts' state after each of its blocks."""
    recorded = recording(name)
    return ReplayServer(recorded.blocks, options, state=recorded.state if with_state else None)


def contracts(name: str) -> Mapping[str, str]:
    return recording(name).truth.contracts


def last_block(name: str) -> int:
    return len(recording(name).blocks) - 1


def wrong_views(connection: Connection[Any], name: str) -> list[str]:
    """Where the tables are not what the contracts' views answered, after whichever block that is indexed."""
    return differences(indexed_views(connection), recorded_views(name), checkpoint(connection))


def settled_in_silence(connection: Connection[Any]) -> list[Any]:
    """The settlements without a log that are indexed: block, transaction, player, penalty."""
    rows = connection.execute(
        "SELECT id >> 23, '0x' || encode(tx_hash, 'hex'), '0x' || encode(address, 'hex'), penalty::text"
        " FROM positions WHERE action = 'penalty_settled'"
    ).fetchall()
    return sorted(rows)


def recorded_settlements(name: str, last: int) -> list[Any]:
    """The same of a recording, up to a block."""
    settlements = recording(name).truth.document["silentSettlements"]
    return sorted(
        (settled["block"], settled["tx"], settled["user"], settled["penalty"])
        for settled in settlements
        if settled["block"] <= last
    )


def block_of(difference: str) -> int:
    return int(difference.partition(" after block ")[2].partition(":")[0])


@pytest.fixture(scope="module")
def indexed(template: str, django_db_blocker: Any) -> Iterator[Callable[[str], str]]:
    """The name of a database with a whole recording, indexed in one go with its state served; to be read only."""
    copies: list[str] = []

    def run(name: str) -> str:
        def index_all() -> None:
            with node(name) as server:
                index(server, contracts(name))

        copies.append(copy_of(make_once(f"ghostnet_whole_{name}", index_all, template)))
        return copies[-1]

    with django_db_blocker.unblock():
        yield cache(run)
        execute_on_server(*(f"DROP DATABASE {name} WITH (FORCE)" for name in copies))


@pytest.fixture
def in_one_go(indexed: Callable[[str], str], django_db_blocker: Any) -> Callable[[str], Any]:
    """A connection to the database of a recording."""

    @contextmanager
    def opened(name: str) -> Iterator[Connection[Any]]:
        with django_db_blocker.unblock(), default_database(indexed(name)), connect() as connection:
            yield connection

    return opened


@pytest.mark.parametrize("name", NAMES)
def test_after_every_block_the_tables_hold_what_the_contracts_answered(
    in_one_go: Callable[[str], Any], name: str
) -> None:
    with in_one_go(name) as connection:
        assert checkpoint(connection) == last_block(name)
        assert wrong_views(connection, name) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_silent_settlement_is_found_in_its_transaction(in_one_go: Callable[[str], Any], name: str) -> None:
    with in_one_go(name) as connection:
        assert settled_in_silence(connection) == recorded_settlements(name, last_block(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_death_is_the_right_player_s(in_one_go: Callable[[str], Any], name: str) -> None:
    with in_one_go(name) as connection:
        rows = connection.execute(
            "SELECT id >> 23, scan_id::int, level, '0x' || encode(address, 'hex'), amount::text, streak FROM deaths"
        ).fetchall()
    assert sorted(rows) == sorted(
        (death["block"], death["scanId"], death["level"], death["user"], death["amount"], death["streak"])
        for death in recording(name).truth.document["deaths"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_archive_alone_gives_the_silent_changes_again(in_one_go: Callable[[str], Any], name: str) -> None:
    with in_one_go(name) as connection:
        assert not run_rebuild(connection, swap=False).differs


@pytest.mark.parametrize(("name", "batch_size"), [("traps", 1), ("traps", 37), ("busy", 37)])
def test_the_borders_of_ranges_do_not_matter(
    connection: Connection[Any], in_one_go: Callable[[str], Any], name: str, batch_size: int
) -> None:
    last = min(400, last_block(name))
    with node(name) as server:
        index(server, contracts(name), batch_size=batch_size, to_block=last)
    with in_one_go(name) as other:
        assert state_digest(connection) == state_digest(other, last)


@pytest.mark.parametrize(
    ("name", "first", "last"), [("traps", 25, 89), ("busy", 148, 217)], ids=["traps", "a reset and a configuration"]
)
@pytest.mark.parametrize("live", [False, True], ids=["block by block", "live"])
def test_at_the_head_they_are_found_as_in_the_past(
    connection: Connection[Any], in_one_go: Callable[[str], Any], name: str, first: int, last: int, live: bool
) -> None:
    fill(connection, first, name)
    with node(name, ReplayOptions(head=first)) as server:
        if live:
            with following(server, contracts(name), ws=True) as watchers:
                for head in range(first + 1, last + 1):
                    server.restore_recorded(head)
                    await_block(connection, head)
            assert watchers[0].batches == [1] * (last - first)
        else:
            server.restore_recorded(last)
            index(server, contracts(name), batch_size=1)
    with in_one_go(name) as other:
        assert state_digest(connection) == state_digest(other, last)


def test_where_the_state_is_read_after_every_tenth_block_they_are_found_in_their_places(
    connection: Connection[Any], in_one_go: Callable[[str], Any]
) -> None:
    with node("traps", ReplayOptions(head=25)) as server:
        index(server, contracts("traps"))
        with following(server, contracts("traps"), state_every=10):
            for head in range(26, 90):
                server.restore_recorded(head)
                await_block(connection, head)
    with in_one_go("traps") as other:
        assert state_digest(connection) == state_digest(other)


@pytest.mark.parametrize("prune", [20, 60], ids=["before the unseen settlement", "long before"])
def test_a_node_that_lost_its_old_state_gives_the_same_where_calldata_is_enough(
    connection: Connection[Any], in_one_go: Callable[[str], Any], prune: int
) -> None:
    """The head goes on while old state is lost, so that the unseen settlement is found while its state is there."""
    options = ReplayOptions(head=50, state=StateOptions(prune=prune))
    with node("traps", options) as server:
        index(server, contracts("traps"))
        for head in (60, 70, 80, 89):
            server.restore_recorded(head)
            index(server, contracts("traps"))
    with in_one_go("traps") as other:
        assert state_digest(connection) == state_digest(other)


@pytest.mark.parametrize(
    "prune",
    [20, 60, 127],
    ids=["a settlement by a wallet long before", "settlements before", "a configuration before, and a decoy"],
)
def test_what_calls_prove_or_suggest_is_in_its_place_where_the_next_state_is_far(
    connection: Connection[Any], prune: int
) -> None:
    """The state of a later block need not show it any more: who settled may have left by then. A wallet's transactions
    are no proof; the first one whose calldata holds the claim is where it settled, not a bet that it made later."""
    with node("busy", ReplayOptions(head=217, state=StateOptions(prune=prune))) as server:
        index(server, contracts("busy"), batch_size=100)
    assert checkpoint(connection) == 217
    assert wrong_views(connection, "busy") == []
    assert settled_in_silence(connection) == recorded_settlements("busy", 217)


def test_a_penalty_settled_in_the_block_of_its_reset_is_found(connection: Connection[Any]) -> None:
    with node("demo", ReplayOptions(head=RESET)) as server:
        index(server, contracts("demo"))
    assert wrong_views(connection, "demo") == []
    assert settled_in_silence(connection) == recorded_settlements("demo", RESET) != []


def test_without_state_no_decoy_changes_anything(connection: Connection[Any]) -> None:
    """Calldata of an owner's call sent to oneself, of a claim sent to a player, nested in a call that fails, scheduled
    and never executed."""
    with node("traps", with_state=False) as server:
        index(server, contracts("traps"), to_block=UNSEEN - 1)
    assert wrong_views(connection, "traps") == []
    assert fetch_one(connection, "SELECT count(*) FROM positions WHERE action = 'penalty_settled'") == 0
    assert fetch_one(connection, "SELECT count(*) FROM witness_answers") == 0


def test_without_state_it_stands_still_only_where_the_chain_pays_by_what_was_hidden(
    connection: Connection[Any],
) -> None:
    with node("traps", with_state=False) as server:
        for _ in range(2):
            with pytest.raises(InvariantBroken, match=f"block {STANDSTILL}, .* rewards claimed"):
                index(server, contracts("traps"))
    assert checkpoint(connection) == STANDSTILL - 1
    wrong = wrong_views(connection, "traps")
    assert {block_of(difference) for difference in wrong} == {UNSEEN, 71}
    (player,) = [settled["user"] for settled in recording("traps").truth.document["silentSettlements"]]
    assert {difference.partition(" after ")[0] for difference in wrong} == {
        "levels of 1", "tvl of None", f"positions of {player}"
    }  # fmt: skip


def test_a_log_in_quarantine_ends_the_comparison(connection: Connection[Any]) -> None:
    """The game is then meant to differ from the contracts."""
    emissions = recording("traps").blocks[71].txs[0]
    with node("traps") as server:
        index(server, contracts("traps"), to_block=70)
        quarantine_log(connection, Hash(emissions.hash), 5, "to see what follows")
        index(server, contracts("traps"))
    assert checkpoint(connection) == last_block("traps")
    assert {difference.partition(" after ")[0] for difference in wrong_views(connection, "traps")} == {"levels of 3"}


def test_state_that_no_rule_explains_stops_the_indexer_and_is_named(connection: Connection[Any]) -> None:
    """A node that lies about one figure: everything before that block is written, and both figures are named."""

    reset = recorded_views("traps")["reset"][None]
    deadline = reset[max(reset)][0]
    recorded = recording("traps")
    with LyingServer(recorded.blocks, state=recorded.state) as server:
        server.lie = (f"{deadline:064x}", f"{deadline + 1:064x}")
        named = rf"block 40: getSystemReset\(\): .*{deadline}.*{deadline + 1}"
        with pytest.raises(InvariantBroken, match=named):
            index(server, contracts("traps"))
    assert checkpoint(connection) == 39
    assert wrong_views(connection, "traps") == []


class LyingServer(ReplayServer):
    """A node that gives one figure in the place of another in the state of block 40 and later ones."""

    lie = ("", "")

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_call" and self._methods._block_with_state(params[1]).number >= 40:
            right, wrong = self.lie
            return answer.replace(right.encode(), wrong.encode())
        return answer
