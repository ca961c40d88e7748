"""Logs that a node leaves out: noticed by the block's bloom, and by counts at which lists are cut."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain import block_logs, completeness
from indexer.domain.events import Initialized, Transfer
from indexer.replay.server import ReplayServer
from tests.chains import ChainBuilder, user
from tests.incomplete_node import IncompleteNode
from tests.indexer.chain.ways import BY_HASH, BY_RANGE, IN_FULL, claims_chain, fetch, log_counts


@pytest.mark.parametrize(("first", "last", "way"), [(0, 3, BY_HASH), (2, 3, BY_RANGE), (0, 3, IN_FULL)])
def test_logs_that_the_bloom_shows_are_asked_for_again(
    first: int, last: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.002)
    with IncompleteNode(claims_chain().blocks) as server:
        server.times = 2
        assert log_counts(fetch(server, first, last, way))[2] == 2
        assert server.times == 0


@pytest.mark.parametrize("bloom", ["chance", "none", "zeros", "full"])
def test_a_bloom_that_shows_nothing_for_certain_is_no_reason_to_ask_for_ever(
    bloom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that names our contracts by chance in a block without logs; those that say nothing of one with some."""
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.002)
    number = 3 if bloom == "chance" else 2
    with BloomServer(claims_chain().blocks) as server:
        server.number = number
        server.bloom = {
            "chance": json.loads(server.chain.blocks[2].header_json())["logsBloom"],
            "none": None,
            "zeros": "0x" + "00" * 256,
            "full": "0x" + "ff" * 256,
        }[bloom]
        assert log_counts(fetch(server, 0, 3, BY_HASH)) == {1: 2, 2: 2}
        assert server.statistics.methods["eth_getLogs"] == (6 if bloom == "chance" else 4)


class BloomServer(ReplayServer):
    """A node that gives a block another bloom."""

    number, bloom = 0, None

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and params[0] == hex(self.number):
            return json.dumps({**json.loads(answer), "logsBloom": self.bloom}).encode()
        return answer


class CuttingServer(ReplayServer):
    """A node that cuts lists of logs without saying so."""

    most = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        return json.dumps(json.loads(answer)[: self.most]).encode() if method == "eth_getLogs" else answer


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH])
@pytest.mark.parametrize(("counts", "most"), [((2, 2, 3), 4), ((4, 1, 0), 4), ((0, 6, 0), 4), ((4, 0, 0), 8)])
def test_a_list_that_may_have_been_cut_is_asked_for_again_in_parts(
    counts: Sequence[int], most: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where even one block is cut, by contracts: half of each block's logs are of another one."""
    monkeypatch.setattr(completeness, "TRUNCATION_MULTIPLE", 4)
    chain = ChainBuilder()
    for count in counts:
        events = [("GhostCore", Initialized(1)), ("DataToken", Transfer(user(1), user(2), 1))]
        chain.events(*(events * count)[:count])
    with CuttingServer(chain.blocks) as server:
        server.most = most
        fetched = fetch(server, 1, len(counts), way)
    assert log_counts(fetched) == {number: count for number, count in enumerate(counts, 1) if count}
    assert all(
        [int(log.log_index, 16) for log in block.logs] == list(range(len(block.logs))) for block in fetched.blocks
    )


@pytest.mark.parametrize(
    ("count", "round_"), [(0, False), (500, False), (1_000, True), (1_001, False), (20_000, True), (1 << 12, True)]
)
def test_lists_are_cut_at_thousands_and_at_powers_of_two(count: int, round_: bool) -> None:
    assert completeness.may_be_truncated(count) == round_
