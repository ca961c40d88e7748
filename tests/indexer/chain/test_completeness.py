"""Logs that a node leaves out: noticed by the block's bloom, and by counts at which lists are cut."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain import block_logs, completeness, consistency
from indexer.chain.client import NodeClient
from indexer.chain.completeness import ListLengths
from indexer.chain.errors import RangeTooLarge
from indexer.chain.fetcher import RangeFetcher
from indexer.domain.events import Initialized, Transfer
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES, ChainBuilder, user
from tests.incomplete_node import IncompleteNode, TruncatingNode
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
    with TruncatingNode(chain.blocks) as server:
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
    assert ListLengths().may_be_truncated(count) == round_


def ranges_of(server: ReplayServer, *ranges: tuple[int, int]) -> list[dict[int, int] | str]:
    """The counts of logs of several ranges, one fetched after the other; the refusal of one that has to be smaller."""

    async def work() -> list[dict[int, int] | str]:
        found: list[dict[int, int] | str] = []
        async with NodeClient([server.url], 5) as client:
            fetcher = RangeFetcher(client, ADDRESSES)
            for first, last in ranges:
                try:
                    found.append(log_counts(await fetcher.by_range(first, last)))
                except RangeTooLarge as error:
                    found.append(error.message)
        return found

    return asyncio.run(work())


def chain_of(*counts: int) -> ChainBuilder:
    """A chain with so many logs in its blocks from block 1 on."""
    chain = ChainBuilder()
    for count in counts:
        chain.events(*[("DataToken", Transfer(user(1), user(2), 1))] * count)
    return chain


def test_a_list_whose_end_is_missing_is_completed_and_its_length_known_as_the_node_s_limit() -> None:
    """Where another list has that length, a smaller range is asked for."""
    with TruncatingNode(chain_of(3, 3, 3, 3, 3, 3, 3, 3, 7, 0).blocks) as server:
        server.most = 7
        whole, refused, smaller, single, other = ranges_of(server, (1, 4), (5, 8), (5, 6), (9, 9), (7, 8))
    assert whole == {1: 3, 2: 3, 3: 3, 4: 3}
    assert "more than 7 logs" in str(refused)
    assert (smaller, single, other) == ({5: 3, 6: 3}, {9: 7}, {7: 3, 8: 3})


def test_a_long_list_of_the_same_length_as_another_one_is_asked_for_again_in_parts() -> None:
    """The last blocks of the ranges have no logs by which missing ones would be noticed."""
    with TruncatingNode(chain_of(30, 30, 0, 30, 40, 0).blocks) as server:
        server.most = 55
        assert ranges_of(server, (1, 3), (4, 6)) == [{1: 30, 2: 25}, {4: 30, 5: 40}]


def test_where_parts_have_no_more_a_length_is_not_suspected_any_more() -> None:
    ranges, counts = [(1, 2), (3, 4), (5, 6)], []
    for number in (2, 3):
        with ReplayServer(chain_of(51, 0, 51, 0, 51, 0).blocks) as server:
            assert ranges_of(server, *ranges[:number]) == [{first: 51} for first, _ in ranges[:number]]
            counts.append(server.statistics.methods["eth_getLogs"])
    assert counts[1] == counts[0] + 1


def test_blocks_with_as_many_logs_as_a_list_that_lacked_some_are_requested_in_parts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A range's list lacked the logs of its last block once. At the head no range shows its length to be right."""
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.001)

    async def work(server: ReplayServer) -> list[int]:
        async with NodeClient([server.url], 5) as client:
            fetcher, counts = RangeFetcher(client, ADDRESSES), []
            assert log_counts(await fetcher.by_range(1, 2)) == {1: 6, 2: 1}
            for number in (3, 4):
                before = server.statistics.methods["eth_getLogs"]
                assert log_counts(await fetcher.by_hash(await fetcher.linked_headers(number, number))) == {number: 6}
                counts.append(server.statistics.methods["eth_getLogs"] - before)
        return counts

    with IncompleteNode(chain_of(6, 1, 6, 6).blocks) as server:
        server.left_out, server.times = 2, 1
        first, second = asyncio.run(work(server))
    assert first > second == 1


@pytest.mark.parametrize(("count", "then", "is_limit"), [(7, 7, True), (7, 3, True), (7, 8, False), (0, 0, False)])
def test_a_length_is_a_limit_until_a_longer_list_comes_and_never_if_it_is_next_to_nothing(
    count: int, then: int, is_limit: bool
) -> None:
    """If it were wrongly taken for one, ranges with so many logs would be refused for ever."""
    lengths = ListLengths()
    lengths.record_parts(count, 12)
    lengths.record(then)
    assert lengths.is_limit(count) == is_limit
