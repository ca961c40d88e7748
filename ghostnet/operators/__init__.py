"""The operators' page: how the indexer is, at a glance."""
