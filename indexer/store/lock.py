"""Advisory locks: what only one session of a database may do at a time. A lock ends with the session that holds it."""

import threading
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, BaseConnection, Connection

from indexer.base.errors import GhostnetError

_TRY: Final = "SELECT CASE WHEN pg_backend_pid() = %(pid)s THEN pg_try_advisory_lock(%(key)s) END"
"""NULL if another process of the server runs the statement than the one that the connection was made to."""
_RELEASE: Final = "SELECT pg_advisory_unlock(%s)"
_RETRY_SECONDS: Final = 0.25
_INDEXERS: Final = 0x6748_6F73 << 32
"""The keys of the locks of all chains' indexers; the chain id fills the lower 32 bits."""
_DETECT_LOST_PEER: Final = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 30000"
)
"""For a session that holds a lock: within half a minute the server ends it if the client's host is gone. By default
that takes hours, in which no standby can take over. Of no effect on Unix sockets."""


class PooledConnection(GhostnetError):
    """A pooler stands between a process that needs a session of its own and the database."""

    help = (
        "Let DATABASE_URL of the indexer and the relay name the database server itself: their locks, notifications and"
        " prepared statements belong to a session, which a pooler shares or keeps after its user is gone."
    )


@dataclass(frozen=True, slots=True)
class AdvisoryLock:
    """A lock by its 64-bit key, held by at most one session of the database."""

    key: int

    def try_acquire(self, connection: Connection[Any]) -> bool:
        """Acquire the lock for this connection's session, unless another session holds it.

        Raises PooledConnection.
        """
        if not _acquired(connection.execute(_TRY, self._parameters(connection)).fetchone()):
            return False
        connection.execute(_DETECT_LOST_PEER)
        return True

    async def try_acquire_async(self, connection: AsyncConnection[Any]) -> bool:
        """Acquire the lock as `try_acquire` does."""
        if not _acquired(await (await connection.execute(_TRY, self._parameters(connection))).fetchone()):
            return False
        await connection.execute(_DETECT_LOST_PEER)
        return True

    def acquire(self, connection: Connection[Any], stop: threading.Event) -> bool:
        """Wait until the lock is acquired; False if `stop` is set first. Blocks."""
        while not self.try_acquire(connection):
            if stop.wait(_RETRY_SECONDS):
                return False
        return True

    def release(self, connection: Connection[Any]) -> None:
        """Let other sessions acquire the lock at once; a closed connection has released it already."""
        if not connection.closed:
            connection.execute(_RELEASE, (self.key,))

    def _parameters(self, connection: BaseConnection[Any]) -> dict[str, int]:
        return {"pid": connection.info.backend_pid, "key": self.key}


def _acquired(row: tuple[bool | None] | None) -> bool:
    assert row is not None, "the query has one row"
    if row[0] is None:
        raise PooledConnection("DATABASE_URL leads to a pooler (as PgBouncer), not to the database server")
    return row[0]


UPKEEP_LOCK: Final = AdvisoryLock(0x6768_6F73_7570)
"""Held by the session that does a round of upkeep."""

NEW_FENCE: Final = "UPDATE checkpoints SET fence = fence + 1"
"""Ends the claim to a chain's tables that there is (`indexer.store.claim`): its process commits nothing more."""

SCHEMA_LOCK: Final = AdvisoryLock(0x6768_6F73_7363)
"""Held by the session of `manage.py migrate`."""

RELAY_LOCK: Final = AdvisoryLock(50_930_052)
"""Held by the session that publishes the outbox."""


def indexer_lock(chain_id: int) -> AdvisoryLock:
    """The lock of the session that writes a chain's tables."""
    return AdvisoryLock(_INDEXERS | chain_id & 0xFFFF_FFFF)
