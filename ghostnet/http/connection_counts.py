"""Count open connections and unread bytes by the client's address, and limit them."""

from collections import Counter
from typing import Any, Final

from ghostnet.http.clients import UNKNOWN_CLIENT, client_of
from ghostnet.http.metrics import REFUSED_CONNECTIONS
from ghostnet.http.token_buckets import TokenBuckets

MAX_UNREAD_BYTES: Final = 64 << 20
"""Bytes of answers that may wait for one client to read them."""

CONNECTIONS: Final = 50.0
CONNECTIONS_AT_ONCE: Final = 500.0
"""Connections that one client may open, a second in the long run, and at once."""


class ConnectionCounts:
    """Counts connections, whatever is sent over them, by their client (`client_of`); `limit` of one, 0 for any number.

    A connection without an address, as over a Unix socket, is a proxy's, and not counted.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self._new = TokenBuckets(CONNECTIONS, CONNECTIONS_AT_ONCE)

    def __len__(self) -> int:
        """The clients with open connections."""
        return len(self._open)

    def enter(self, address: Any) -> bool:
        """Count a connection from an address of Twisted's, until `leave`; return False, and count none, if its client
        has reached the limit, or opens too many connections a second."""
        client = client_at(address)
        if not self._is_limited(client):
            return True
        if self._open[client] >= self._limit or not self._new.for_client(client).take():
            REFUSED_CONNECTIONS.inc()
            return False
        self._open[client] += 1
        return True

    def leave(self, address: Any) -> None:
        """A connection is closed."""
        client = client_at(address)
        if client in self._open:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def owe(self, address: Any, size: int) -> bool:
        """Count bytes that wait to be read over a connection, below 0 for those that no longer do; return whether the
        client may have as many as there are now."""
        client = client_at(address)
        if not self._is_limited(client):
            return True
        self._unread[client] += size
        if not self._unread[client]:
            del self._unread[client]
        return self._unread[client] <= MAX_UNREAD_BYTES

    def _is_limited(self, client: str) -> bool:
        return bool(self._limit) and client != UNKNOWN_CLIENT


def client_at(address: Any) -> str:
    """The client (`client_of`) at an address of Twisted's."""
    return client_of({"client": (str(address.host), address.port)} if hasattr(address, "host") else {})
