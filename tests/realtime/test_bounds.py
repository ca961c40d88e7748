"""Limits of one socket, and of one address, below the application, over a real daphne."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ghostnet.http.token_buckets import MAX_CLIENTS
from realtime.socket_limits import SocketLimits
from tests.databases import database_url
from tests.realtime.socket import HANDSHAKE
from tests.web import WebClient, web

TOO_MUCH = bytes((0x88, 2)) + (4429).to_bytes(2, "big")
PONG = b'{"type":"PONG"}'


@pytest.fixture(scope="module")
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_RATE_LIMIT="100000", GHOSTNET_SOCKETS_PER_CLIENT="3") as server:
        yield server


def dial(client: WebClient, address: str, more: bytes = b"") -> tuple[socket.socket, int]:
    """A connection from one of this machine's addresses, and the status of its handshake with more headers."""
    raw = socket.create_connection(("127.0.0.1", client.port or 0), timeout=30, source_address=(address, 0))
    raw.sendall(HANDSHAKE.removesuffix(b"\r\n") + more + b"\r\n")
    return raw, int(raw.recv(4096).split()[1])


def masked(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """A client's frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    return bytes((opcode | 0x80 * last,)) + length + bytes(4) + payload


def close_frame(code: int) -> bytes:
    return bytes((0x88, 2)) + code.to_bytes(2, "big")


def read_to_end(raw: socket.socket, end: bytes = TOO_MUCH) -> bytes:
    received = b""
    while not received.endswith(end) and (chunk := raw.recv(65_536)):
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


@pytest.mark.parametrize(
    ("number", "sent", "code"),
    [
        (1, masked(1 | 0x40, b"x"), 1002),
        (2, masked(3, b"x"), 1002),
        (3, masked(11, b""), 1002),
        (4, b'\x81\x0f{"type":"PING"}', 1002),
        (5, masked(9, b"x" * 126), 1002),
        (6, masked(9, b"x", last=False), 1002),
        (7, masked(0, b"x"), 1002),
        (8, masked(1, b"x", last=False) + masked(1, b"x"), 1002),
        (9, masked(8, b"\x03"), 1002),
        (10, masked(8, (1005).to_bytes(2, "big")), 1002),
        (11, masked(8, (65_535).to_bytes(2, "big")), 1002),
        (12, masked(8, b"\x03\xe8\xff"), 1007),
        (13, masked(1, b"\xff"), 1007),
        (14, masked(1, b"\xe2", last=False) + masked(0, b"\x28"), 1007),
        (15, b"\x81\xff" + (1 << 62).to_bytes(8, "big") + bytes(4), 1009),
    ],
)
def test_what_is_no_websocket_ends_its_connection_with_the_reason(
    client: WebClient, number: int, sent: bytes, code: int
) -> None:
    with dial(client, f"127.0.4.{number}")[0] as raw:
        raw.sendall(sent + masked(1, b'{"type":"PING"}'))
        received = read_to_end(raw, close_frame(code))
        assert received.endswith(close_frame(code))
        assert PONG not in received


@pytest.mark.parametrize(("name", "status"), [(b"\xff", 400), (b"caf\xc3\xa9", 400), (b"%ff%00", 101), (b"a, b", 101)])
def test_a_subprotocol_that_cannot_be_read_is_refused(client: WebClient, name: bytes, status: int) -> None:
    raw, found = dial(client, "127.0.5.1", b"Sec-WebSocket-Protocol: " + name + b"\r\n")
    raw.close()
    assert found == status


def test_one_address_has_so_many_sockets(client: WebClient) -> None:
    opened = [dial(client, "127.0.2.1") for _ in range(4)]
    assert [status for _, status in opened] == [101, 101, 101, 429]
    other, status = dial(client, "127.0.2.2")
    assert status == 101
    for raw in [other, *(raw for raw, _ in opened)]:
        raw.close()


def test_a_million_visitors_leave_nothing_behind() -> None:
    socket_limits = SocketLimits(2)
    for number in range(MAX_CLIENTS + 10_000):
        assert socket_limits.enter(str(number))
        socket_limits.leave(str(number))
    assert len(socket_limits) == 0
    assert [socket_limits.enter("a") for _ in range(3)] == [True, True, False]
    socket_limits.leave("a")
    assert not socket_limits.enter("a"), "two handshakes at once"


def test_any_number_is_allowed_where_nothing_is_limited() -> None:
    socket_limits = SocketLimits(0)
    assert all(socket_limits.enter("a") for _ in range(1_000))
    assert socket_limits.frames_of("a") is None
