"""Times that run backwards are refused, whatever the batch, and taken from another node if it has better ones."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.digest import state_digest
from indexer.sync.block_times import BadBlockTime
from tests.chains import user
from tests.indexer.store.building import deployed, index_blocks
from tests.indexing import index
from tests.processes import checkpoint
from tests.rows import fetch_one

Digest = Callable[[int], str]

BAD = 4


def chain_with(seconds: int, *, empty: bool) -> list[RecordedBlock]:
    """Eight blocks; one of them, with or without events of the contracts, is so many seconds before its parent."""
    chain = deployed()
    for number in range(2, 8):
        if number == BAD and empty:
            chain.block()
        else:
            chain.jack_in(user(number), 10**20, 1)
    time = chain.blocks[BAD - 1].timestamp - seconds
    chain.blocks[BAD] = msgspec.structs.replace(chain.blocks[BAD], timestamp=time)
    return chain.blocks


@pytest.mark.parametrize("batch_size", [1, 2, None])
@pytest.mark.parametrize(("seconds", "empty"), [(1, False), (100, False), (1, True)])
def test_it_is_refused_and_nothing_of_it_is_written(
    connection: Connection[Any], seconds: int, empty: bool, batch_size: int | None
) -> None:
    """Also the time of a block without events of the contracts, where its header is known."""
    blocks = chain_with(seconds, empty=empty)
    with pytest.raises(BadBlockTime, match=f"block {BAD}: its time, .* is before its predecessor's"):
        index_blocks(blocks, batch_size=batch_size)
    assert checkpoint(connection) < BAD
    assert fetch_one(connection, f"SELECT count(*) FROM chain_events WHERE id >= {BAD << 23}") == 0
    assert list(alarms(connection)) == [AlarmKind.HALTED]


def test_blocks_may_share_a_time(connection: Connection[Any]) -> None:
    index_blocks(chain_with(0, empty=False))
    assert checkpoint(connection) == 7


def test_where_another_node_gives_it_another_time_that_one_is_used(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, digest_at: Digest
) -> None:
    with (
        ReplayServer(season, ReplayOptions(head=60)) as honest,
        LateServer(season, ReplayOptions(head=60)) as server,
    ):
        index(server, truth.contracts, others=[honest], batch_size=1)
    assert server.asked
    assert state_digest(connection) == digest_at(60)


class LateServer(ReplayServer):
    """A node that gives block 50 a time long before its parent's."""

    asked = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and params[0] == hex(50):
            self.asked += 1
            return json.dumps({**json.loads(answer), "timestamp": "0x10"}).encode()
        return answer
