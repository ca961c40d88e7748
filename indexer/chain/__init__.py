"""From a node to consistent blocks in order."""
