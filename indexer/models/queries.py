"""SQL that both kinds of connections run: psycopg's own of the indexer (`store`), and Django's (`selectors`)."""

from typing import Final

BLOCK_TIMESTAMP: Final = """
    SELECT timestamp FROM blocks WHERE number = %(number)s
    UNION ALL (SELECT timestamp FROM chain_blocks WHERE id < %(end)s ORDER BY id DESC LIMIT 1) LIMIT 1
"""
"""The time in unix seconds of block `number`, after which the id `end` follows. An empty block whose header is no
longer kept has the time of the last block before it that was not empty."""

LAST_PAUSE_OR_RESUME: Final = """
    SELECT kind FROM operator_requests WHERE kind IN ('pause', 'resume') AND done_at IS NOT NULL AND NOT failed
    ORDER BY id DESC LIMIT 1
"""
"""The kind of the last request of these two that was run; indexing is paused if it is `pause`."""
