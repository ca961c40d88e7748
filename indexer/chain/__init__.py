"""Read the chain from its nodes: consistent blocks, in order."""
