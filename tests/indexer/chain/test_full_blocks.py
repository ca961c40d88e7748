"""Blocks that are fetched one by one must be linked, and their receipts are optional."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.full_blocks import FullBlockFetcher
from indexer.chain.options import SourceOptions
from indexer.chain.proof import Proof
from indexer.chain.source import BlockSource
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES
from tests.indexer.chain.ways import BY_HASH, IN_FULL, claims_chain, fetch


class ForkingServer(ReplayServer):
    """A load balancer that answers from two forks: one block of a range is not the child of the one before."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and params[0] == "0x3":
            return answer.replace(self.chain.blocks[2].hash.encode(), b"0x" + b"ee" * 32)
        return answer


@pytest.mark.parametrize("way", [BY_HASH, IN_FULL])
def test_blocks_that_are_not_each_other_s_children_are_refused(way: str) -> None:
    with ForkingServer(claims_chain().blocks) as server, pytest.raises(Inconsistent, match="block 3 is not the child"):
        fetch(server, 0, 3, way)


class AnotherTimeServer(ReplayServer):
    """A load balancer one machine of which, which answers for whole blocks, gives them a time one second later."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and params[1]:
            time = self.chain.blocks[int(params[0], 16)].timestamp
            return answer.replace(f'"timestamp":"{time:#x}"'.encode(), f'"timestamp":"{time + 1:#x}"'.encode())
        return answer


def test_a_block_has_one_time_also_where_its_logs_have_another() -> None:
    """Rows are looked for by the times of the headers that came with them: others would be in no sum."""

    async def work(url: str) -> FetchedRange:
        async with NodeClient([url], 5, Proof(6343)) as client:
            fetcher = FullBlockFetcher(client, RangeFetcher(client, ADDRESSES), ADDRESSES)
            return await fetcher.fetch(0, 3, by_range=True)

    with AnotherTimeServer(claims_chain().blocks) as server:
        fetched = asyncio.run(work(server.url))
    assert [block.header for block in fetched.blocks] == [
        fetched.headers[block.header.number] for block in fetched.blocks
    ]


class ReceiptlessServer(ReplayServer):
    """A node without receipts of whole blocks."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_getBlockReceipts":
            raise Refusal(-32601, "the method eth_getBlockReceipts does not exist/is not available")
        return super()._result(method, params, socket)


def test_a_node_without_receipts_of_whole_blocks_is_not_asked_for_them_again() -> None:
    with ReceiptlessServer(claims_chain().blocks) as server:
        source = BlockSource(SourceOptions([server.url], None, 6343, ADDRESSES))
        source.open()
        try:
            assert [source.successes(number) for number in (1, 2, 3)] == [None, None, None]
        finally:
            source.stop()
        assert server.statistics.methods["eth_getBlockReceipts"] == 1
