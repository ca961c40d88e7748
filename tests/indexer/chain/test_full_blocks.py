"""Blocks that are fetched one by one must be linked, and their receipts are optional."""

from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain.errors import Inconsistent
from indexer.chain.source import BlockSource, SourceOptions
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
