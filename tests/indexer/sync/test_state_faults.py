"""A node's faults in answers about the contracts' state: the tables are then those of a run without faults."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import pytest
from aiohttp import web
from psycopg import Connection

from indexer.replay.calls import StateOptions
from indexer.replay.chain import ReorgPlan
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync import pipeline
from tests.chains import recording
from tests.databases import Databases, default_database
from tests.filling import fill
from tests.indexer.sync.simulation import kill_indexer, short_retry_pauses
from tests.indexing import following, index
from tests.processes import await_block, await_tip

TRAPS: Final = recording("traps")
CONTRACTS: Final[Mapping[str, str]] = TRAPS.truth.contracts
LAST: Final = len(TRAPS.blocks) - 1
UNSEEN: Final = 66
BEFORE: Final = 60
"""The block at which what begins with a copy begins."""


class FaultyServer(ReplayServer):
    """A node in front of which a test puts its fault: `fault` may answer a call by itself, or raise."""

    fault: Callable[[str, Sequence[Any]], bytes | None] = staticmethod(lambda method, params: None)
    calls: dict[str, int]

    def __init__(self, options: ReplayOptions | None = None, *, with_state: bool = True) -> None:
        super().__init__(TRAPS.blocks, options, state=TRAPS.state if with_state else None)
        self.calls = {}

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        self.calls[method] = self.calls.get(method, 0) + 1
        answer = self.fault(method, params)
        return super()._result(method, params, socket) if answer is None else answer

    def number_of(self, place: Any) -> int:
        """The block that a call names."""
        return self._methods._block_with_state(place).number


@pytest.mark.parametrize("hole", [45, UNSEEN - 2, UNSEEN + 1])
def test_state_that_one_block_lacks_is_done_without(connection: Connection[Any], right: str, hole: int) -> None:
    """Elsewhere than at the block that changed unseen, or before it."""
    with FaultyServer() as server:

        def missing(method: str, params: Sequence[Any]) -> None:
            if method == "eth_call" and server.number_of(params[1]) == hole:
                raise Refusal(-32000, "missing trie node 66 (path ) state 0x66 is not available")

        server.fault = missing
        for last in (60, 70, LAST):
            index(server, CONTRACTS, to_block=last)
    assert state_digest(connection) == right


@pytest.mark.parametrize(
    "lacking",
    [0, 2, UNSEEN + 3],
    ids=["of all blocks", "of earlier blocks than the newest ones", "of later blocks only"],
)
def test_what_was_written_without_a_comparison_is_compared_at_the_next_start(
    connection: Connection[Any], right: str, lacking: int
) -> None:
    """Something changed unseen in it, which the state of later blocks does not place, and claims are paid by."""
    fill(connection, BEFORE, "traps")
    with FaultyServer(with_state=False) as server:
        index(server, CONTRACTS, to_block=UNSEEN + 2)
    with FaultyServer() as server:

        def missing(method: str, params: Sequence[Any]) -> None:
            if method == "eth_call" and UNSEEN + 2 - lacking < server.number_of(params[1]) <= UNSEEN + 2:
                raise Refusal(-32000, "header not found")

        server.fault = missing
        index(server, CONTRACTS)
    assert state_digest(connection) == right


@pytest.mark.parametrize("message", ["header not found", "header for hash not found", "unknown block"])
def test_a_machine_that_lags_behind_with_its_state_is_asked_again(
    connection: Connection[Any], right: str, message: str
) -> None:
    """Each new block's state is refused at first, as by a machine that does not know the block yet."""
    fill(connection, BEFORE, "traps")
    with FaultyServer(ReplayOptions(head=BEFORE)) as server:
        refused: set[int] = set()

        def lagging(method: str, params: Sequence[Any]) -> None:
            if method == "eth_call" and (number := server.number_of(params[1])) not in refused:
                refused.add(number)
                raise Refusal(-32000, message)

        server.fault = lagging
        with following(server, CONTRACTS):
            for head in range(BEFORE + 1, LAST + 1):
                server.restore_recorded(head)
                await_block(connection, head)
    assert len(refused) > 20
    assert state_digest(connection) == right


def test_a_machine_that_answers_with_another_block_s_state_does_not_stop_the_indexer(
    connection: Connection[Any], right: str
) -> None:
    """As one that lags behind; the next time the answer is the block's own."""
    fill(connection, BEFORE, "traps")
    with FaultyServer() as server:
        wrong = iter([BEFORE])

        def lagging(method: str, params: Sequence[Any]) -> bytes | None:
            if method == "eth_call" and server.number_of(params[1]) == LAST and (number := next(wrong, None)):
                return server._methods.answer(method, [params[0], hex(number)])
            return None

        server.fault = lagging
        index(server, CONTRACTS)
    assert next(wrong, None) is None
    assert state_digest(connection) == right


@pytest.mark.parametrize("by_number", [False, True], ids=["by hash", "by number only"])
def test_each_third_state_being_another_block_s_changes_nothing(
    connection: Connection[Any], right: str, by_number: bool
) -> None:
    """As behind a load balancer with a machine that lags; `by number only`: nor does a call take a block's hash."""
    fill(connection, BEFORE, "traps")
    with FaultyServer(ReplayOptions(head=BEFORE + 10)) as server:
        wrong: list[int] = []

        def lagging(method: str, params: Sequence[Any]) -> bytes | None:
            if method != "eth_call":
                return None
            if by_number and isinstance(params[1], Mapping):
                raise Refusal(-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string")
            if server.calls[method] % 3:
                return None
            wrong.append(server.number_of(params[1]))
            return server._methods.answer(method, [params[0], hex(wrong[-1] - 10)])

        server.fault = lagging
        with following(server, CONTRACTS):
            await_block(connection, BEFORE + 10)
            for head in range(BEFORE + 11, LAST + 1):
                server.restore_recorded(head)
                await_block(connection, head)
    assert len(set(wrong)) > 5
    assert state_digest(connection) == right


def test_without_multicall_the_views_are_read_one_by_one(connection: Connection[Any], right: str) -> None:
    with FaultyServer(ReplayOptions(state=StateOptions(multicall=False))) as server:
        index(server, CONTRACTS, batch_size=30)
        assert server.calls["eth_call"] > 14 * 3
    assert state_digest(connection) == right


def test_multicall_that_is_deployed_later_is_done_without_before(connection: Connection[Any], right: str) -> None:
    with FaultyServer() as server:

        def not_yet(method: str, params: Sequence[Any]) -> bytes | None:
            young = method == "eth_call" and params[0]["to"].startswith("0xca11") and server.number_of(params[1]) < 50
            return b'"0x"' if young else None

        server.fault = not_yet
        index(server, CONTRACTS, batch_size=10)
    assert state_digest(connection) == right


@pytest.mark.parametrize("page", [1, 7])
def test_pages_by_a_cursor_give_the_same(connection: Connection[Any], right: str, page: int) -> None:
    with FaultyServer() as server:

        def paged(method: str, params: Sequence[Any]) -> bytes | None:
            if method == "eth_getLogs" and "fromBlock" in params[0]:
                raise AssertionError("the node has cursors")
            if method != "eth_getLogsWithCursor":
                return None
            log_filter = {key: value for key, value in params[0].items() if key != "cursor"}
            logs = msgspec.json.decode(server._methods.answer("eth_getLogs", [log_filter]))
            start = int(params[0].get("cursor") or 0)
            following_page = {"cursor": str(start + page)} if start + page < len(logs) else {}
            return msgspec.json.encode({"logs": logs[start : start + page], **following_page})

        server.fault = paged
        index(server, CONTRACTS)
        assert server.calls["eth_getLogsWithCursor"] > 1
    assert state_digest(connection) == right


@pytest.mark.parametrize("with_state", [True, False], ids=["state", "full blocks"])
def test_answers_that_are_too_large_are_halved(connection: Connection[Any], right: str, with_state: bool) -> None:
    with FaultyServer(with_state=with_state) as server:

        def bounded(method: str, params: Sequence[Any]) -> bytes | None:
            if method in ("eth_getLogs", "eth_getBlockByNumber"):
                answer = server._methods.answer(method, params)
                if len(answer) > 60_000:
                    raise Refusal(-32020, "backend response too large")
                return answer
            return None

        server.fault = bounded
        index(server, CONTRACTS, to_block=LAST if with_state else UNSEEN - 1)
    if with_state:
        assert state_digest(connection) == right


@pytest.mark.parametrize(
    ("prune", "empty"), [(0, False), (5, True), (30, False)], ids=["0, refused", "5, 0x", "30, refused"]
)
def test_state_that_is_kept_for_some_blocks_is_enough_at_the_head(
    connection: Connection[Any], right: str, prune: int, empty: bool
) -> None:
    options = ReplayOptions(head=BEFORE, state=StateOptions(prune=prune, pruned_empty=empty))
    fill(connection, BEFORE, "traps")
    with FaultyServer(options) as server, following(server, CONTRACTS):
        for head in range(BEFORE + 1, LAST + 1):
            server.restore_recorded(head)
            await_block(connection, head)
    assert state_digest(connection) == right


def test_what_a_node_hides_in_the_blocks_from_the_first_one_on_is_found_by_the_state_of_later_ones(
    connection: Connection[Any], right: str
) -> None:
    """The blocks since the state was compared last, here all there are, are undone and applied together."""
    with FaultyServer(ReplayOptions(state=StateOptions(prune=LAST - UNSEEN + 1))) as server:
        watcher = index(server, CONTRACTS, batch_size=7)
    assert [rollback.ancestor for rollback in watcher.rollbacks] == [-1]
    assert state_digest(connection) == right


@pytest.mark.parametrize(("prune", "batch_size"), [(0, 1), (5, 100), (11, 3), (16, 1), (22, 10)])
def test_a_change_in_a_block_without_state_is_found_by_what_follows_from_it(
    connection: Connection[Any], right: str, prune: int, batch_size: int
) -> None:
    """The state of the newest block shows who settled. In which block, the player's transactions suggest, and the
    rewards of the blocks after it prove."""
    with FaultyServer(ReplayOptions(state=StateOptions(prune=prune))) as server:
        index(server, CONTRACTS, batch_size=batch_size)
    assert state_digest(connection) == right


def test_however_long_ago_the_state_was_compared_the_newest_blocks_are_searched(
    connection: Connection[Any], right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a node that has lost the state of all others, whose first blocks left nothing to be found."""
    monkeypatch.setattr(pipeline, "MAX_REAPPLIED_BLOCKS", LAST - UNSEEN + 1)
    with FaultyServer(ReplayOptions(state=StateOptions(prune=0))) as server:
        watcher = index(server, CONTRACTS, batch_size=1)
    assert [rollback.ancestor for rollback in watcher.rollbacks] == [UNSEEN - 1]
    assert state_digest(connection) == right


@pytest.mark.parametrize("with_state", [True, False], ids=["state", "full blocks"])
def test_reorgs_on_the_way_give_the_same(
    connection: Connection[Any], databases: Databases, right: str, with_state: bool
) -> None:
    """Forks have no state here; what was hidden is found once the chain is the recorded one again."""
    options = ReplayOptions(head=30, reorgs=ReorgPlan(every=20, depth=6, seed=2))
    last = LAST if with_state else UNSEEN - 1
    with FaultyServer(options, with_state=with_state) as server:
        with following(server, CONTRACTS, ws=True) as watchers:
            await_block(connection, 30)
            while server.chain.head < last or server.chain.forked:
                server.advance()
                await_tip(connection, server.chain.blocks[-1].hash)
        assert watchers[0].rollbacks
        index(server, CONTRACTS)
        digest = state_digest(connection, last)
    if with_state:
        assert digest == right
    else:
        with default_database(databases.make()), FaultyServer(with_state=False) as server, connect() as other:
            index(server, CONTRACTS, to_block=last)
            assert state_digest(other) == digest


def test_kills_on_the_way_give_the_same(connection: Connection[Any], right: str) -> None:
    """At each block whose state is read while a silent change is searched for, the indexer's session is ended once."""
    with FaultyServer() as server, short_retry_pauses():
        killed: set[int] = set()

        def kill(method: str, params: Sequence[Any]) -> None:
            if method == "eth_call" and (number := server.number_of(params[1])) not in killed and number < LAST:
                killed.add(number)
                with connect() as other:
                    kill_indexer(other)

        server.fault = kill
        index(server, CONTRACTS)
    assert len(killed) >= 5
    assert state_digest(connection) == right


def test_state_from_another_fork_is_never_compared(connection: Connection[Any], right: str) -> None:
    """The node switches to a fork between a block's logs and its state, and back."""
    fill(connection, BEFORE, "traps")
    with FaultyServer(ReplayOptions(head=BEFORE)) as server:
        switched: list[int] = []

        def switch(method: str, params: Sequence[Any]) -> None:
            if method == "eth_call" and server.chain.head in (63, 70, 80) and server.chain.head not in switched:
                switched.append(server.chain.head)
                server.chain.fork(3, 3)

        server.fault = switch
        with following(server, CONTRACTS):
            for head in range(BEFORE + 1, LAST + 1):
                server.restore_recorded(head)
                await_block(connection, head)
            await_tip(connection, TRAPS.blocks[LAST].hash)
    assert switched == [63, 70, 80]
    assert state_digest(connection) == right


class SlowServer(ReplayServer):
    """A node without state whose logs of later ranges arrive after the first range is fetched in full."""

    in_full: asyncio.Event

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if b'"eth_getBlockByNumber"' in body and b",true]" in body:
            self.in_full.set()
        if b'"fromBlock":"0x64"' in body or b'"fromBlock":"0xc8"' in body:
            await self.in_full.wait()
        return await super()._serve(request)


def test_ranges_in_flight_while_the_state_turns_out_to_be_gone_are_fetched_in_full(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Callable[[int], str]
) -> None:
    server = SlowServer(season)
    server.in_full = asyncio.Event()
    with server:
        index(server, truth.contracts, batch_size=100, to_block=500)
    assert state_digest(connection) == digest_at(500)
