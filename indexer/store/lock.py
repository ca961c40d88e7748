"""One indexer per chain: a session's advisory lock, so that it falls with the process that holds it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError

_KEYSPACE: Final = 0x6748_6F73 << 32
_RETRY_SECONDS: Final = 0.25
NOTICE_DEATH: Final = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 30000"
)
"""For a session that holds a lock: the server shall notice within half a minute that the other end's host is gone. By
default that takes hours, in which no standby takes over. Of no effect on Unix sockets."""


class IndexerAtWork(GhostnetError):
    """Something needs the tables for itself while somebody writes to them."""

    help = "Stop the indexer of this chain (and its standbys), do this again, and start it after that."


def try_lock(connection: Connection[Any], chain_id: int) -> bool:
    """Take the chain's lock on this connection's session unless another session holds it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(chain_id),)).fetchone()
    if not (row and row[0]):
        return False
    connection.execute(NOTICE_DEATH)
    return True


@contextmanager
def chain_lock(connection: Connection[Any], chain_id: int) -> Iterator[None]:
    """Hold the chain's lock, which a lost session lets go by itself. Raises IndexerAtWork if another one holds it."""
    if not try_lock(connection, chain_id):
        raise IndexerAtWork(f"an indexer of chain {chain_id} is at work")
    try:
        yield
    finally:
        release_lock(connection, chain_id)


def release_lock(connection: Connection[Any], chain_id: int) -> None:
    """Let others have the chain's lock at once; the end of a session would do it a moment later."""
    if not connection.closed:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_key(chain_id),))


def wait_for_lock(connection: Connection[Any], chain_id: int, stop: threading.Event) -> bool:
    """Wait as a hot standby until the lock is ours; False if told to stop meanwhile. Blocks."""
    while not try_lock(connection, chain_id):
        if stop.wait(_RETRY_SECONDS):
            return False
    return True


def _key(chain_id: int) -> int:
    return _KEYSPACE | chain_id & 0xFFFF_FFFF
