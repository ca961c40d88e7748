"""Operations that operators run beside the indexer: audit, rebuild, copy, dump."""
