"""Check the first block to index: an empty database must not begin after the game has begun."""

import logging
from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.chain.errors import NodeError
from indexer.chain.source import BlockSource
from indexer.store.checkpoint import checkpoint_of, start_chain

logger = logging.getLogger(__name__)


class StartsTooLate(GhostnetError):
    """The game has begun before the start block: what happened until then would be missing."""

    help = (
        "Nothing was written. Set start_block, in the file that GHOSTNET_DEPLOYMENT names (or `--from-block`), to the "
        "block in which the first of the contracts was created, or to an earlier one."
    )


def begin_chain(
    connection: Connection[Any], source: BlockSource, chain_id: int, start_block: int, contracts: Mapping[str, str]
) -> None:
    """Note in an empty database what it is to hold; else check that it holds that.

    Raises ForeignDatabase, and StartsTooLate if the database is empty and the node shows that the game had begun before
    the start block. A node without that block's state shows nothing.
    """
    if checkpoint_of(connection, chain_id, start_block, contracts) is not None:
        return
    if start_block and _has_begun(source, start_block - 1):
        raise StartsTooLate(
            f"start_block is {start_block}, but GhostCore was initialized or DATA minted before that block"
        )
    start_chain(connection, chain_id, start_block, contracts)


def _has_begun(source: BlockSource, block: int) -> bool | None:
    try:
        return source.has_begun(block)
    except NodeError as error:
        logger.warning("whether the game had begun by block %d could not be read: %s", block, error.message)
        return None
