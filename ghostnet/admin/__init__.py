"""The operators' admin: a status page, every table to read, and requests to the indexer."""
