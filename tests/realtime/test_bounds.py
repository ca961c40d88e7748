"""What one socket, and one address, may do below the application, over a real daphne."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ghostnet.http.buckets import MOST_CLIENTS
from realtime.visitors import Visitors
from tests.databases import database_url
from tests.web import WebClient, web

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TOO_MUCH = bytes((0x88, 2)) + (4429).to_bytes(2, "big")
PONG = b'{"type":"PONG"}'


@pytest.fixture(scope="module")
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_RATE_LIMIT="100000", GHOSTNET_SOCKETS_PER_CLIENT="3") as server:
        yield server


def dial(client: WebClient, address: str) -> tuple[socket.socket, int]:
    """A connection from one of this machine's addresses, and the status of its handshake."""
    raw = socket.create_connection(("127.0.0.1", client.port or 0), timeout=30, source_address=(address, 0))
    raw.sendall(HANDSHAKE)
    return raw, int(raw.recv(4096).split()[1])


def masked(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """A client's frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    return bytes((opcode | 0x80 * last,)) + length + bytes(4) + payload


def read_to_end(raw: socket.socket) -> bytes:
    received = b""
    while not received.endswith(TOO_MUCH) and (chunk := raw.recv(65_536)):
        received += chunk
    return received


@pytest.mark.parametrize(
    ("address", "flood"),
    [
        ("127.0.1.1", masked(9, b"x") * 200),
        ("127.0.1.2", masked(10, b"") * 200),
        ("127.0.1.3", masked(1, b"", last=False) + masked(0, b"", last=False) * 1_500),
        ("127.0.1.4", masked(1, b'{"type":"PING"}') * 1_500),
        ("127.0.1.5", masked(1, b"x" * 60_000) * 30),
    ],
    ids=["pings", "pongs", "empty fragments", "messages", "bytes"],
)
def test_a_client_that_sends_too_much_is_closed_with_the_reason(client: WebClient, address: str, flood: bytes) -> None:
    with dial(client, address)[0] as raw, dial(client, address.replace("127.0.1", "127.0.3"))[0] as other:
        raw.sendall(flood)
        received = read_to_end(raw)
        assert received.endswith(TOO_MUCH)
        assert received.count(b"\x8a\x01x") <= 61, "pongs"
        other.sendall(masked(1, b'{"type":"PING"}'))
        while not (received := other.recv(4096)).endswith(PONG):
            assert received


def test_one_address_has_so_many_sockets(client: WebClient) -> None:
    opened = [dial(client, "127.0.2.1") for _ in range(4)]
    assert [status for _, status in opened] == [101, 101, 101, 429]
    other, status = dial(client, "127.0.2.2")
    assert status == 101
    for raw in [other, *(raw for raw, _ in opened)]:
        raw.close()


def test_a_million_visitors_leave_nothing_behind() -> None:
    visitors = Visitors(2)
    for number in range(MOST_CLIENTS + 10_000):
        assert visitors.enter(str(number))
        visitors.leave(str(number))
    assert len(visitors) == 0
    assert [visitors.enter("a") for _ in range(3)] == [True, True, False]
    visitors.leave("a")
    assert not visitors.enter("a"), "two handshakes at once"


def test_any_number_is_allowed_where_nothing_is_limited() -> None:
    visitors = Visitors(0)
    assert all(visitors.enter("a") for _ in range(1_000))
    assert visitors.frames_of("a") is None
