"""Write to a connection without waiting for a turn of the event loop."""

from typing import Any

from twisted.internet.tcp import Connection


def is_plain(transport: Any) -> bool:
    """Whether a transport is a TCP connection without TLS, or a Unix socket's."""
    return isinstance(transport, Connection) and not transport.TLS


def write_now(transport: Any, data: bytes) -> None:
    """Write bytes to the kernel at once, if none wait before them: Twisted's own write waits for a turn of the event
    loop, and registers each connection with the poller for it."""
    if is_plain(transport) and not (transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting):
        try:
            data = data[transport.socket.send(data) :]
        except BlockingIOError:
            pass
        except OSError:
            return  # the client is gone, which Twisted finds when it reads
    if data:
        transport.write(data)


def unwritten(transport: Any) -> int:
    """The bytes that wait in this process for the client to read."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen if is_plain(transport) else 0


def drop_unwritten(transport: Any) -> None:
    """Let go of what a client that is gone has not read: connections are cycles of objects, which are found late."""
    if is_plain(transport):
        transport.dataBuffer, transport.offset = b"", 0
        transport._tempDataBuffer, transport._tempDataLen = [], 0
