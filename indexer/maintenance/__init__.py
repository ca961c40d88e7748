"""Operations that operators run beside the indexer: audit, rebuild, refetch, copy, dump."""
