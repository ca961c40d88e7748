"""A replay node whose answers are changed on their way, and what is fetched from it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.full_blocks import FullBlockFetcher
from indexer.chain.proof import Proof
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES

BY_RANGE, BY_HASH, IN_FULL = "by range", "by hash", "in full"
WAYS = [BY_RANGE, BY_HASH, IN_FULL]
"""How blocks are fetched: the logs of a range, of each block by its hash, and whole blocks."""

Change = Callable[[str, bytes], bytes]
"""The result that is sent, by the method and its right result."""


class AlteredServer(ReplayServer):
    """A node that changes its results."""

    def __init__(self, blocks: list[RecordedBlock], change: Change) -> None:
        super().__init__(blocks)
        self.change = change
        self.methods: list[str] = []

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        self.methods.append(method)
        return self.change(method, super()._result(method, params, socket))


def fetch(urls: Sequence[str], first: int, last: int, way: str) -> FetchedRange:
    """Blocks as nodes at these addresses give them."""

    async def work() -> FetchedRange:
        async with NodeClient(urls, 5, Proof(6343)) as client:
            by_logs = RangeFetcher(client, ADDRESSES)
            if way == IN_FULL:
                return await FullBlockFetcher(client, by_logs, ADDRESSES).fetch(first, last)
            if way == BY_HASH:
                return await by_logs.by_hash(await by_logs.linked_headers(first, last))
            return await by_logs.finalized(first, last)

    return asyncio.run(work())
