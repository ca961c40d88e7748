"""Write to a connection without waiting for a turn of the event loop."""

from typing import Any

from twisted.internet.tcp import Connection


def write_now(transport: Any, data: bytes) -> None:
    """Write bytes to the kernel at once, if none wait before them: Twisted's own write waits for a turn of the event
    loop, and registers each connection with the poller for it."""
    is_plain = isinstance(transport, Connection) and not transport.TLS
    if is_plain and not (transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting):
        try:
            data = data[transport.socket.send(data) :]
        except BlockingIOError:
            pass
        except OSError:
            return  # the client is gone, which Twisted finds when it reads
    if data:
        transport.write(data)
