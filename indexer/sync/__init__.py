"""The running indexer: worker, pipeline, observers, background jobs, and operators' requests."""
