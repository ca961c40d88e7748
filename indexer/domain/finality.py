"""Which blocks are finalized: those so far below the head that no reorg of the expected depth drops them."""


def finalized_block(head: int, reorg_depth: int) -> int:
    """The height of the newest finalized block; below the first block while the chain is short.

    A reorg of `reorg_depth` blocks, the deepest that is expected, drops the blocks from the one above it to the head.
    """
    return head - reorg_depth


def is_finalized(block_number: int, head: int, reorg_depth: int) -> bool:
    """Whether a block is so far below the head that no reorg of the expected depth drops it."""
    return block_number <= finalized_block(head, reorg_depth)
