"""The number of connections of one address is limited, whatever is sent over them; closed ones make room."""

import asyncio
import json
from contextlib import closing, suppress
from socket import create_connection, socket
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from websockets.asyncio.client import connect

from ghostnet.http.connection_counts import CONNECTIONS_AT_ONCE, MAX_UNREAD_BYTES, ConnectionCounts
from tests.databases import database_url
from tests.processes import await_true
from tests.web import web

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_connections_are_counted_by_address_or_ipv6_network_and_closed_ones_make_room() -> None:
    counts = ConnectionCounts(2)
    for _ in range(2):
        for host, kept, other in (
            ("192.0.2.1", True, "::ffff:192.0.2.1"),
            ("2001:db8:0:1::1", True, "2001:db8:0:1:ffff::2"),
        ):
            one, same = ((IPv6Address if ":" in name else IPv4Address)("TCP", name, 1) for name in (host, other))
            assert [counts.enter(one), counts.enter(same), counts.enter(one)] == [kept, kept, False]
            counts.leave(one)
            assert counts.enter(same)
            assert not counts.enter(same)
            counts.leave(one)
            counts.leave(same)
    assert len(counts) == 0


def test_who_opens_connections_without_end_is_disconnected_for_a_while() -> None:
    counts, address = ConnectionCounts(3), IPv4Address("TCP", "192.0.2.1", 1)
    for _ in range(int(CONNECTIONS_AT_ONCE)):
        assert counts.enter(address)
        counts.leave(address)
    while counts.enter(address):  # some more, while there was time for them
        counts.leave(address)
    assert counts.enter(IPv4Address("TCP", "192.0.2.2", 1))


def test_one_client_leaves_so_much_unread_and_nothing_stays_counted() -> None:
    counts, one, other = ConnectionCounts(3), IPv4Address("TCP", "192.0.2.1", 1), IPv4Address("TCP", "192.0.2.2", 1)
    assert counts.owe(one, MAX_UNREAD_BYTES)
    assert not counts.owe(one, 1)
    assert counts.owe(other, 1)
    assert counts.owe(one, -MAX_UNREAD_BYTES - 1)
    assert counts.owe(one, MAX_UNREAD_BYTES)


def test_what_has_no_address_is_not_counted_nor_is_anything_without_a_bound() -> None:
    assert all(ConnectionCounts(1).enter(UNIXAddress(b"/run/web")) for _ in range(3))
    unbounded = ConnectionCounts(0)
    assert all(unbounded.enter(IPv4Address("TCP", "192.0.2.1", 1)) for _ in range(3))
    assert len(unbounded) == 0


def test_who_has_its_share_of_connections_is_disconnected_and_others_are_not(
    indexed_season: str, django_db_blocker: Any
) -> None:
    """Idle ones, a socket of `/ws` and one in the middle of a request count alike, and make room alike."""
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_RATE_LIMIT="100000", GHOSTNET_CONNECTIONS_PER_CLIENT="3") as client:
        port = int(client.port or 0)

        def dial(source: str) -> socket:
            return create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))

        def answered(source: str) -> bytes:
            with closing(dial(source)) as connection, suppress(ConnectionError):
                connection.sendall(REQUEST)
                return connection.recv(100)
            return b""

        async def fill() -> None:
            """With an idle connection, a half request and a socket, from 127.0.0.2; then close all of them."""
            async with connect(f"ws://127.0.0.1:{port}/ws", local_addr=("127.0.0.2", 0)) as browser:
                assert json.loads(await browser.recv())["type"] == "CONNECTION_STATE"
                with closing(dial("127.0.0.2")), closing(dial("127.0.0.2")) as half:
                    half.sendall(REQUEST[:20])
                    assert await asyncio.to_thread(answered, "127.0.0.2") == b""
                    assert (await asyncio.to_thread(answered, "127.0.0.3")).startswith(b"HTTP/1.1 200")

        for number in range(1, 4):
            await_true(lambda: answered("127.0.0.2").startswith(b"HTTP/1.1 200"), "closed connections make no room")
            before = client.counted("connections_refused_total")
            asyncio.run(asyncio.wait_for(fill(), 60))
            assert client.counted("connections_refused_total") == before + 1, number
