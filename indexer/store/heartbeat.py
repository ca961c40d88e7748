"""The heartbeat: shows that an indexer is running, and stores the height of the node's head."""

from typing import Any, Final

from psycopg import Connection

from indexer.models.queries import DATABASE_SIZE

_BEAT: Final = """
    INSERT INTO heartbeats (chain_id, seen_at, chain_head) VALUES (%(chain)s, clock_timestamp(), %(head)s)
    ON CONFLICT (chain_id) DO UPDATE SET seen_at = EXCLUDED.seen_at, chain_head = EXCLUDED.chain_head
    RETURNING (SELECT max(block_number) FROM checkpoints)
"""


def beat(connection: Connection[Any], chain_id: int, head: int) -> int | None:
    """Store the current time and the height of the node's head; return the last indexed block, if any."""
    row = connection.execute(_BEAT, {"chain": chain_id, "head": head}).fetchone()
    return None if row is None else row[0]


def database_size(connection: Connection[Any]) -> int:
    """The size of the whole database in bytes."""
    row = connection.execute(DATABASE_SIZE).fetchone()
    return 0 if row is None else int(row[0])
