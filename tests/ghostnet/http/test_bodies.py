"""The cost of a request before the application receives it."""

from types import SimpleNamespace
from typing import Any

from ghostnet.http.bodies import BoundedRequest
from tests.ghostnet.http.channel import connect


class _Kept(BoundedRequest):
    """A request that nobody answers."""

    def process(self) -> None:
        """Stay as it was received."""


def test_parameters_and_forms_are_not_read_in_the_event_loop() -> None:
    channel, transport, _ = connect()
    channel.factory = SimpleNamespace(server=SimpleNamespace(protocol_connected=lambda protocol: None))
    channel.requestFactory = _Kept
    form = b"b=2&c=3"
    channel.dataReceived(
        b"POST /admin/login/?a=1&d HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(form), form)
    )
    request: Any = channel.requests[0]
    assert (request.method, request.path, request.uri) == (b"POST", b"/admin/login/", b"/admin/login/?a=1&d")
    assert (request.args, request.content.read(), transport.sent) == ({}, form, b"")
