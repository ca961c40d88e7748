"""The operators' side: the indexer's state at a glance, every table to read, and requests to the indexer."""
