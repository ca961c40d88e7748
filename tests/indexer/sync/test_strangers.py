"""Transactions and logs of strangers that do not change the contracts change nothing that is served."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from indexer.domain.chain import Settlement, SilentChange
from indexer.domain.events import Transfer
from indexer.domain.levels import LevelConfig
from indexer.domain.units import DATA, Address, Hash
from indexer.replay.recording import RecordedBlock, RecordedTransaction
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.tables import tables
from tests.chains import ADDRESSES, GHOST_CORE, encode_log, submit_deaths, update_level_config, user, wrapped
from tests.contract_state import state_of
from tests.databases import Databases, default_database
from tests.indexer.rules.scenarios import ALICE, BOB, CAROL, DAVE, three_on_level_one, trigger_reset
from tests.indexer.sync.game_with_silent_changes import CONFIG, WALLET, silent_game
from tests.indexing import index

STRANGER: Final = user(0x666)
PLAYERS: Final = [ALICE, BOB, CAROL, DAVE]
TOKEN_AND_ARCHIVE: Final = {"chain_blocks", "chain_events", "chain_transactions", "token_transfers"}
"""The tables in which a stranger's transfer of DATA rightly stands."""
FIRST_BLOCK: Final = 2

players = st.sampled_from(PLAYERS)
anybody = st.sampled_from([*PLAYERS, STRANGER, WALLET])
anywhere = anybody | st.sampled_from(list(ADDRESSES.values()))
configs = st.just(CONFIG) | st.builds(
    LevelConfig,
    *(st.integers(0, 2**bits - 1) for bits in (16, 32, 256, 32, 16, 16)),
)
calls = st.one_of(
    st.just("0x372500ab"),
    st.just("0x372500ab"),
    st.builds(update_level_config, st.integers(1, 5) | st.integers(0, 255), configs),
    st.builds(submit_deaths, st.integers(0, 6), st.lists(anybody, max_size=5)),
    st.binary(max_size=80).map(lambda raw: "0x" + raw.hex()),
)
transfers = st.builds(Transfer, st.just(GHOST_CORE), players, st.just(0)) | st.builds(
    Transfer, st.just(STRANGER), anywhere, st.integers(0, 10**24)
)


@dataclass(frozen=True)
class Decoy:
    """A transaction in block `block`. `inner` calls of other contracts fail inside it; it succeeds where it may."""

    block: int
    sender: Address
    to: Address
    call: str
    inner: Sequence[tuple[Address, str]]
    wants_success: bool
    transfers: Sequence[Transfer]

    @property
    def status(self) -> int:
        """Nobody's call of GhostCore itself succeeds here: it would change the contracts, or log something."""
        return int(self.wants_success and self.to != GHOST_CORE)

    @property
    def calldata(self) -> str:
        return wrapped(*self.inner) if self.inner else self.call

    def transaction(self, number: int) -> RecordedTransaction:
        logs = [encode_log("DataToken", transfer) for transfer in self.transfers] if self.status else []
        tx_hash = f"0x{0xDEC0 << 240 | number:064x}"
        return RecordedTransaction(
            hash=tx_hash, sender=self.sender, to=self.to, input=self.calldata, status=self.status, logs=logs
        )

    def trace(self) -> dict[str, Any]:
        """What `debug_traceTransaction` gives: each inner call failed."""
        frames = [
            {"type": "CALL", "from": self.to, "to": to, "input": call, "error": "execution reverted"}
            for to, call in self.inner
        ]
        frame = {"type": "CALL", "from": self.sender, "to": self.to, "input": self.calldata, "calls": frames}
        return frame if self.status else {**frame, "error": "execution reverted"}


def decoys(blocks: int, spared: int | None, with_logs: bool) -> st.SearchStrategy[list[Decoy]]:
    """Some transactions, in any blocks but one."""
    places = st.integers(FIRST_BLOCK, blocks - 1).filter(lambda block: block != spared)
    nothing: st.SearchStrategy[list[Any]] = st.just([])
    inner = nothing | st.lists(st.tuples(anywhere, calls), min_size=1, max_size=3)
    logs = nothing | st.lists(transfers, max_size=2) if with_logs else nothing
    one = st.builds(Decoy, places, anybody, anywhere, calls, inner, st.booleans(), logs)
    return st.lists(one, min_size=30, max_size=120)


def among(blocks: Sequence[RecordedBlock], strange: Sequence[Decoy]) -> list[RecordedBlock]:
    """The chain with these transactions behind the others of their blocks."""
    added: dict[int, list[RecordedTransaction]] = {}
    for number, decoy in enumerate(strange):
        added.setdefault(decoy.block, []).append(decoy.transaction(number))
    return [
        RecordedBlock(
            block.number, block.hash, block.parent_hash, block.timestamp, [*block.txs, *added.get(block.number, ())]
        )
        for block in blocks
    ]


class TracingServer(ReplayServer):
    """A node that traces these transactions."""

    traces: dict[str, Any] = {}  # noqa: RUF012 - replaced by each test

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "debug_traceTransaction" and params[0] in self.traces:
            return json.dumps(self.traces[params[0]]).encode()
        return super()._result(method, params, socket)


Rows = dict[str, list[Any]]


@pytest.fixture
def rows_of(template: str) -> Callable[..., Rows]:
    """Index what a node serves into an empty database; the rows of all tables of history."""

    def run(server: ReplayServer, batch_size: int | None) -> Rows:
        databases = Databases(template)
        try:
            with default_database(databases.make()), connect() as connection:
                index(server, ADDRESSES, batch_size=batch_size)
                return {
                    table.name: connection.execute(
                        f"SELECT {table.column_list} FROM {table.name} ORDER BY id"
                    ).fetchall()
                    for table in tables().values()
                }
        finally:
            databases.give_back()

    return run


def game_only(rows: Rows) -> Rows:
    return {table: found for table, found in rows.items() if table not in TOKEN_AND_ARCHIVE}


many = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
"""Examples are large rather than many, since each is indexed; making a failing one smaller would take minutes."""


@pytest.mark.parametrize("way", ["state", "no state", "no state, but traces"])
def test_strangers_change_nothing(rows_of: Callable[..., Rows], django_db_blocker: Any, way: str) -> None:
    expected: Rows = {}

    @many
    @given(data=st.data())
    def with_any_strangers(data: Any) -> None:
        look(data, way, rows_of, django_db_blocker, expected)

    with_any_strangers()


def look(data: Any, way: str, rows_of: Callable[..., Rows], django_db_blocker: Any, expected: Rows) -> None:
    """Draw strangers, and compare the tables with those of the chain without them."""
    clean = silent_game(unseen=way == "state")
    blocks = clean.chain.blocks
    strange = data.draw(decoys(len(blocks), clean.unseen, data.draw(st.booleans())))
    batch_size = data.draw(st.sampled_from([None, 1, 5]))
    state = state_of(blocks, clean.changes) if way == "state" else None
    with django_db_blocker.unblock():
        if not expected:
            with ReplayServer(blocks, state=state) as server:
                expected.update(rows_of(server, None))
            assert len(expected["positions"]) > 8
        with TracingServer(among(blocks, strange), state=state) as tracing:
            if way != "no state":
                tracing.traces = {decoy.transaction(number).hash: decoy.trace() for number, decoy in enumerate(strange)}
            found = rows_of(tracing, batch_size)
    assert game_only(found) == game_only(expected)
    if not any(decoy.status and decoy.transfers for decoy in strange):
        assert found == expected


def test_both_ways_see_what_direct_calls_change(rows_of: Callable[..., Rows], django_db_blocker: Any) -> None:
    made = silent_game(unseen=False)
    with django_db_blocker.unblock():
        with ReplayServer(made.chain.blocks, state=state_of(made.chain.blocks, made.changes)) as server:
            by_state = rows_of(server, None)
        with ReplayServer(made.chain.blocks) as server:
            by_full_blocks = rows_of(server, None)
    assert by_state == by_full_blocks
    assert len(by_state["witness_answers"]) == 2


def test_both_ways_see_what_a_wallet_does_if_the_node_traces(
    rows_of: Callable[..., Rows], django_db_blocker: Any
) -> None:
    """One wallet claims for itself, in the calldata of a stranger; an inner call that fails comes before."""
    chain = three_on_level_one()
    trigger_reset(chain, 600 * DATA, CAROL)
    claim = chain.transaction(sender=STRANGER, to=ALICE, calldata=wrapped((GHOST_CORE, "0x372500ab")))
    block = chain.block(claim)
    chain.block()
    changes = {block.number: [SilentChange(0, Hash(claim.hash), Settlement(ALICE))]}
    inner = {"type": "CALL", "from": ALICE, "to": GHOST_CORE, "input": "0x372500ab"}
    failed = {**inner, "from": BOB, "error": "execution reverted"}
    with django_db_blocker.unblock():
        with ReplayServer(chain.blocks, state=state_of(chain.blocks, changes)) as server:
            by_state = rows_of(server, None)
        with TracingServer(chain.blocks) as tracing:
            frame = {"type": "CALL", "from": STRANGER, "to": ALICE, "input": claim.input, "calls": [failed, inner]}
            tracing.traces = {claim.hash: frame}
            by_trace = rows_of(tracing, None)
    assert by_state == by_trace
    assert len(by_state["witness_answers"]) == 1
