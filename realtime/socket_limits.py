"""Count open sockets by client, and limit each client: sockets, handshakes, and the frames of all its sockets."""

from collections import Counter
from typing import Final

from ghostnet.http.token_buckets import TokenBucket, TokenBuckets

HANDSHAKES: Final = 5.0
"""Handshakes a second of one client in the long run; as many at once as it may have sockets."""
FRAMES: Final = 500.0
FRAMES_AT_ONCE: Final = 2_000.0
"""Frames of one client, a second and at once; beyond them its sockets are read more slowly."""


class SocketLimits:
    """All clients with sockets, by address; `limit` sockets of one, 0 for any number, and then any number of frames."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sockets: Counter[str] = Counter()
        self._handshakes = TokenBuckets(HANDSHAKES, max(1, limit))
        self._frames = TokenBuckets(FRAMES, FRAMES_AT_ONCE)

    def __len__(self) -> int:
        """The number of clients with open sockets."""
        return len(self._sockets)

    def enter(self, client: str) -> bool:
        """Count a socket that a client opens, until `leave`; return False, and count none, if it may not."""
        if self._limit and not (self._sockets[client] < self._limit and self._handshakes.for_client(client).take()):
            return False
        self._sockets[client] += 1
        return True

    def leave(self, client: str) -> None:
        """A socket is closed."""
        self._sockets[client] -= 1
        if not self._sockets[client]:
            del self._sockets[client]

    def frames_of(self, client: str) -> TokenBucket | None:
        """The frames that a client may still send; None for any number."""
        return self._frames.for_client(client) if self._limit else None
