"""The bytes that a client of `/ws` sends, for benchmarks whose clients are plain sockets."""

from typing import Final

HANDSHAKE: Final = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def message(text: bytes) -> bytes:
    """A client's message of less than 126 bytes as a frame."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text
