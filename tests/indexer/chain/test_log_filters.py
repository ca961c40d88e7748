"""Nodes that understand a filter of logs in part, or say in their own way that no log passes it."""

from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain import consistency
from indexer.chain.errors import Inconsistent
from indexer.domain.events import Initialized, Transfer
from indexer.replay.limits import Limits
from indexer.replay.recording import RecordedBlock, RecordedLog
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ChainBuilder, user
from tests.indexer.chain.ways import BY_HASH, WAYS, fetch, log_counts

FOREIGN = RecordedLog(user(77), ["0x" + "77" * 32], "0x")


def chain() -> list[RecordedBlock]:
    """In block 1 two logs of our contracts and one of another, in block 2 one of that alone, in block 3 none."""
    building = ChainBuilder()
    building.deploy()
    first = building.blocks[-1].txs[0]
    first.logs.append(FOREIGN)
    building.block(building.transaction(logs=[FOREIGN]))
    building.block()
    return building.blocks


class NoHashServer(ReplayServer):
    """A node that takes no block's hash in a filter."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_getLogs" and "blockHash" in params[0]:
            raise Refusal(-32602, "unknown field `blockHash`, expected one of `fromBlock`, `toBlock`, `address`")
        return super()._result(method, params, socket)


class NullServer(ReplayServer):
    """A node that returns `null` for no logs."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        return b"null" if method == "eth_getLogs" and answer == b"[]" else answer


class AllLogsServer(ReplayServer):
    """A node that ignores the addresses of a filter."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_getLogs":
            params = [{key: value for key, value in params[0].items() if key != "address"}]
        return super()._result(method, params, socket)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [NoHashServer, NullServer, AllLogsServer])
def test_the_same_is_fetched(kind: type[ReplayServer], way: str) -> None:
    blocks = chain()
    with ReplayServer(blocks) as right, kind(blocks) as server:
        assert fetch(server, 0, 3, way) == fetch(right, 0, 3, way)
        assert log_counts(fetch(server, 0, 3, way)) == {1: 2}
        assert [fetch(server, first, 3, way).log_count for first in (2, 3)] == [0, 0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [NoHashServer, NullServer])
def test_a_block_with_more_logs_than_such_a_node_returns_is_requested_in_parts(
    kind: type[ReplayServer], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    building = ChainBuilder()
    building.events(*[("DataToken", Transfer(user(1), user(2), 1))] * 4, ("GhostCore", Initialized(1)))
    with kind(building.blocks, ReplayOptions(limits=Limits(max_results=4))) as server:
        assert log_counts(fetch(server, 1, 1, way)) == {1: 5}


class OtherForkServer(NoHashServer):
    """Such a node behind a load balancer: the blocks of one machine are of another fork."""

    def _answer(self, body: bytes, socket: Any) -> bytes:
        answer = super()._answer(body, socket)
        if b"eth_getLogs" not in body:
            return answer
        return answer.replace(self.chain.blocks[1].hash.encode(), b"0x" + b"ff" * 32)


def test_logs_by_a_block_s_number_are_believed_only_with_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    with OtherForkServer(chain()) as server, pytest.raises(Inconsistent, match="no logs of block 1"):
        fetch(server, 1, 1, BY_HASH)
