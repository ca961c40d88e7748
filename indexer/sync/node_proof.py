"""The blocks by which nodes prove that they serve the indexed chain, chosen anew as it grows."""

from typing import Any

from psycopg import Connection

from indexer.chain.source import BlockSource
from indexer.domain.finality import finalized_block, is_finalized
from indexer.domain.units import Hash
from indexer.store.headers import proving_blocks
from indexer.sync.reconciler import Tip


class NodeProof:
    """What a source's nodes have to show before they are used: the oldest stored block, and a newer finalized one.

    A node that lacks a block has not contradicted it. `reorg_depth` in blocks.
    """

    def __init__(self, connection: Connection[Any], source: BlockSource, reorg_depth: int) -> None:
        self._connection = connection
        self._source = source
        self._reorg_depth = reorg_depth
        self._blocks: dict[int, Hash] = {}
        self._next = Tip(-1, None)
        """The block that replaces the newer one as soon as it is finalized."""

    def choose(self, tip: Tip, *, anew: bool = False) -> None:
        """Choose the blocks among the stored ones; `anew`: nodes in use have to show them too. Raises psycopg.Error."""
        self._next = tip
        self._blocks = proving_blocks(self._connection, finalized_block(tip.number, self._reorg_depth))
        self._source.expect(self._blocks, anew=anew)

    def renew(self, tip: Tip) -> None:
        """Replace the newer block, if the one that was chosen for it is finalized by now. Reads no table."""
        number, block_hash = self._next
        if block_hash is None:
            self._next = tip
        elif is_finalized(number, tip.number, self._reorg_depth):
            self._blocks = {**dict(list(self._blocks.items())[:1]), number: block_hash}
            self._source.expect(self._blocks)
            self._next = tip
