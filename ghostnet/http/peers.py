"""Count open connections by the client's address, and limit them."""

from collections import Counter
from typing import Any

from ghostnet.http.clients import UNKNOWN_CLIENT, client_of
from ghostnet.http.metrics import REFUSED_CONNECTIONS


class Peers:
    """Counts connections, whatever is sent over them, by their client (`client_of`); `most` of one, 0 for any number.

    A connection without an address, as over a Unix socket, is a proxy's, and not counted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        """The clients with open connections."""
        return len(self._open)

    def enter(self, address: Any) -> bool:
        """Count a connection from an address of Twisted's, until `leave`; return False, and count none, if its client
        has reached the limit."""
        client = client_at(address)
        if not self._most or client == UNKNOWN_CLIENT:
            return True
        if self._open[client] >= self._most:
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


def client_at(address: Any) -> str:
    """The client (`client_of`) at an address of Twisted's."""
    return client_of({"client": (str(address.host), address.port)} if hasattr(address, "host") else {})
