"""All ways to fetch blocks, and a small chain to fetch."""

import asyncio
from collections.abc import Sequence, Set

from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.full_blocks import FullBlockFetcher
from indexer.chain.proof import Proof
from indexer.domain.units import Address
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES, ChainBuilder, user

BY_RANGE, BY_HASH, IN_FULL = "by range", "by hash", "in full"
WAYS = [BY_RANGE, BY_HASH, IN_FULL]
"""How blocks are fetched: the logs of a range, of each block by its hash, and whole blocks."""


def fetch(
    nodes: ReplayServer | Sequence[str], first: int, last: int, way: str, parties: Set[Address] | None = None
) -> FetchedRange:
    """Blocks as a node, or nodes at these addresses, give them."""
    urls = [nodes.url] if isinstance(nodes, ReplayServer) else nodes

    async def work() -> FetchedRange:
        async with NodeClient(urls, 5, Proof(6343)) as client:
            by_logs = RangeFetcher(client, ADDRESSES)
            if way == IN_FULL:
                return await FullBlockFetcher(client, by_logs, ADDRESSES).fetch(first, last, parties=parties)
            if way == BY_HASH:
                return await by_logs.by_hash(await by_logs.linked_headers(first, last))
            return await by_logs.by_range(first, last)

    return asyncio.run(work())


def log_counts(fetched: FetchedRange) -> dict[int, int]:
    """The number of logs of each block that has any."""
    return {block.header.number: len(block.logs) for block in fetched.blocks if block.logs}


def claims_chain() -> ChainBuilder:
    """In block 3 a claim of nothing, one that fails, and a transaction of no concern."""
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(user(1), 10**19, 1)
    chain.block(
        chain.transaction(sender=user(1), calldata="0x372500ab"),
        chain.transaction(sender=user(2), calldata="0x372500ab", status=0),
        chain.transaction(to=user(9), calldata="0x11"),
    )
    return chain
