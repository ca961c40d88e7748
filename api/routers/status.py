"""`/status`: the indexer's progress."""

from ninja import Router

from api import schemas
from api.answers import get
from indexer import VERSION
from indexer.selectors.snapshot import IndexedBlock
from indexer.selectors.status import contracts, last_reorg, pulse

router = Router(tags=["status"])


@get(router, "", schemas.Status, "How far the indexer has come", changes_between_commits=True)
def status(checkpoint: IndexedBlock) -> schemas.Status:
    """The indexed chain, block and contracts, the last reorg, and whether the indexer is at work."""
    reorg, alive = last_reorg(), pulse()
    chain_head = max(alive.chain_head, checkpoint.block_number)
    return schemas.Status(
        version=VERSION,
        chain_id=checkpoint.chain_id,
        start_block=checkpoint.start_block,
        chain_head=chain_head,
        lag=chain_head - checkpoint.block_number,
        stalled=alive.stalled,
        indexer_seen_at=alive.seen_at,
        indexed_block=checkpoint.block_number,
        indexed_block_hash=checkpoint.block_hash,
        indexed_at=checkpoint.block_time,
        last_reorg=None if reorg is None else schemas.Reorg.of(reorg),
        contracts=contracts(),
    )
