"""The running indexer: the worker's loop, its pipeline, what observes it, its background jobs, operators' requests."""
