"""Fetch blocks from one given node, to compare them with what was indexed."""

import logging
from collections.abc import Mapping
from typing import Final

from indexer.chain.blocks import FetchedRange
from indexer.chain.client import NodeClient
from indexer.chain.errors import NodeError
from indexer.chain.fetcher import RangeFetcher

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 10.0


async def fetch_alone(node: NodeClient, contracts: Mapping[str, str], first: int, last: int) -> FetchedRange | None:
    """Blocks first to last as one node returns them, with logs by block hash; None if it does not return them."""
    async with node:
        fetcher = RangeFetcher(node, contracts)
        try:
            return await fetcher.by_hash(await fetcher.linked_headers(first, last))
        except NodeError as error:
            logger.warning("a node can't be asked for blocks %d to %d again: %s", first, last, error.message)
            return None
