"""A recording moved in time is the same game at another time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from indexer.decode.contract_abi import CONTRACTS, events_of
from indexer.decode.decoder import LogDecoder
from indexer.domain.events import BoostApplied, RoundCreated
from indexer.maintenance.audit import audit
from indexer.replay.recording import RecordedLog, read_document
from indexer.replay.server import ReplayServer
from indexer.replay.shift import TIMES_IN_EVENTS, BadShift, shift_to, shifted_blocks, shifted_state, shifted_truth
from indexer.replay.state import RecordedState
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.store.tables import tables
from tests.chains import ADDRESSES, ChainBuilder, encode_log, recording, user
from tests.databases import Databases, default_database
from tests.indexing import index
from tests.paths import FIXTURES

SECONDS = 25_000_321
CHECKPOINT, BETWEEN = 449, 433
NEVER = 2**64 - 1


def indexed_rows(server: ReplayServer, contracts: Any) -> dict[str, list[Any]]:
    """All chain-derived rows after indexing what a node serves."""
    index(server, contracts)
    with connect() as connection:
        return {
            table.name: connection.execute(
                f"SELECT {table.column_list} FROM {table.name} ORDER BY {table.column_list}"
            ).fetchall()
            for table in tables().values()
        }


def difference(before: Any, after: Any) -> set[Any]:
    """By how much the numbers and times in two values differ; other values must be equal."""
    if isinstance(before, dict | list | tuple):
        pairs = (
            zip(before.values(), after.values(), strict=True)
            if isinstance(before, dict)
            else zip(before, after, strict=True)
        )
        return {found for pair in pairs for found in difference(*pair)}
    if isinstance(before, datetime):
        return {(after - before) / timedelta(seconds=1)} - {0.0}
    if isinstance(before, str) and before[:1] in ("{", "["):
        return difference(json.loads(before), json.loads(after))
    if isinstance(before, str) and before.isdecimal():
        before, after = int(before), int(after)
    if isinstance(before, int | Decimal):
        return {float(after - before)} - {0.0}
    assert before == after
    return set()


def test_it_gives_the_same_rows_with_their_times_moved_and_the_moved_views_agree(databases: Databases) -> None:
    blocks = recording("demo").blocks[: CHECKPOINT + 1]
    truth = Truth(shifted_truth(read_document(FIXTURES / "demo_expected.json.gz"), SECONDS))
    state = RecordedState(shifted_state(read_document(FIXTURES / "demo_state.json.gz"), SECONDS))
    with default_database(databases.make()), ReplayServer(blocks, state=recording("demo").state) as server:
        before = indexed_rows(server, truth.contracts)
    later = shifted_blocks(blocks, SECONDS)
    with default_database(databases.make()), ReplayServer(later, state=state) as server:
        after = indexed_rows(server, truth.contracts)
        with connect() as connection, ReplayServer(later, truth=truth) as from_truth:
            assert audit(connection, [server.url], BETWEEN).differences == []
            # The truth lacks the balance of one account.
            differences = audit(connection, [from_truth.url], CHECKPOINT).differences
            assert {difference.key.partition("(")[0] for difference in differences} <= {"balanceOf"}
    assert {"scans", "rounds", "boosts", "system_resets"} <= {table for table, rows in before.items() if rows}
    for table, rows in before.items():
        assert difference(rows, after[table]) == ({float(SECONDS)} if rows else set()), table


def test_every_time_of_an_event_is_known_as_one() -> None:
    """A new event with a time must be added: all arguments of 64 bits are times, but the version of Initialized."""
    for event in (event for contract in CONTRACTS for event in events_of(contract)):
        for argument in event.arguments:
            if argument.type.name == "uint64" and argument.name != "version":
                assert argument.name in TIMES_IN_EVENTS
                assert not argument.indexed


def moved(log: RecordedLog, seconds: int) -> Any:
    """A log after it was moved in time, decoded."""
    chain = ChainBuilder()
    chain.block(chain.transaction(logs=[log]))
    (found,) = shifted_blocks(chain.blocks, seconds)[-1].txs[0].logs
    _, decoder = LogDecoder(ADDRESSES).by_address_and_topic[found.address, found.topics[0]]
    event, _ = decoder.decode(found.topics, found.data)
    return event


@pytest.mark.parametrize("expiry", [0, NEVER, 1 << 63])
def test_times_that_mean_never_or_not_yet_stay(expiry: int) -> None:
    boost = BoostApplied(user(1), 1, 300, expiry)
    assert moved(encode_log("GhostCore", boost), 77) == boost
    answer = {
        "activeBoosts": [{"boostType": 1, "expiry": expiry}],
        "rounds": {"1": {"deadline": str(expiry), "line": "5"}},
    }
    assert shifted_truth(answer, 77) == answer


def test_only_the_times_in_an_event_move() -> None:
    created = RoundCreated(7, 1, 2, 1_800_000_000, 1_800_000_000)
    assert moved(encode_log("DeadPool", created), -50) == created._replace(deadline=1_799_999_950)


@pytest.mark.parametrize("change", [lambda log: log.topics.pop(), lambda log: log.topics.clear()])
def test_a_log_of_another_shape_stays(change: Callable[[RecordedLog], object]) -> None:
    log = encode_log("GhostCore", BoostApplied(user(1), 1, 300, 1_800_000_000))
    change(log)
    chain = ChainBuilder()
    chain.block(chain.transaction(logs=[log]))
    assert shifted_blocks(chain.blocks, 77)[-1].txs[0].logs == [log]


def test_a_time_before_1970_is_refused() -> None:
    with pytest.raises(BadShift, match="1800000001 can't be moved by -1800000001 s"):
        shifted_blocks(ChainBuilder().blocks, -ChainBuilder().now)


def test_now_is_at_the_head_or_where_the_chain_runs_ahead_at_its_end() -> None:
    chain = ChainBuilder()
    for _ in range(100):
        chain.block(after=1)
    head, last, now = chain.blocks[40].timestamp, chain.now, 1_900_000_000
    assert shift_to(now, chain.blocks, 40, pace=0) == now - head
    assert shift_to(now, chain.blocks, 40, pace=1) == now - head
    assert shift_to(now, chain.blocks, 40, pace=0.5) == now - head
    assert shift_to(now, chain.blocks, 40, pace=10) == now + 6 - last
