"""Bytes of many connections are read client by client, in several turns of the event loop."""

import math
from collections.abc import Callable
from functools import partial

import pytest
from twisted.internet.testing import StringTransport

from ghostnet.http.fair_reads import PIECE, FairReader, FairScheduler

SECONDS = 0.4
"""What a call takes, of a second in each turn."""


class Loop:
    """Turns of an event loop, in each of which calls are made for some seconds; every call takes SECONDS."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.made: list[str] = []
        self._now = 0.0
        self._soon: list[Callable[[], None]] = []
        self.scheduler = FairScheduler(seconds, lambda: self._now, self._soon.append)

    def ask(self, name: str) -> None:
        """Have a call made for the client that is a name's first letter."""
        self.scheduler.call(name[0], partial(self._make, name))

    def _make(self, name: str) -> None:
        self.made.append(name)
        self._now += SECONDS

    def turn(self) -> list[str]:
        """The calls of the next turn."""
        before = len(self.made)
        calls = self._soon.copy()
        self._soon.clear()
        for call in calls:
            call()
        return self.made[before:]


def test_one_client_s_calls_wait_and_another_s_is_made_at_once() -> None:
    loop = Loop()
    for number in range(7):
        loop.ask(f"a{number}")
    loop.ask("b0")
    assert loop.made == ["a0", "a1", "a2", "b0"]
    assert loop.turn() == ["a3", "a4", "a5"]
    assert loop.turn() == ["a6"]
    assert [loop.turn(), loop.turn()] == [[], []]
    assert len(loop.scheduler) == 0


def test_who_waits_is_served_client_by_client() -> None:
    loop = Loop()
    for name in ("a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "c0", "c1"):
        loop.ask(name)
    assert loop.made == ["a0", "a1", "a2", "b0", "c0"]
    assert loop.turn() == ["a3", "b1", "c1"]
    loop.ask("a6")
    loop.ask("c2")
    assert loop.made[-1] == "c1", "c had its call in this turn"
    assert loop.turn() == ["a4", "c2", "a5"]
    assert loop.turn() == ["a6"]


def test_a_call_that_fails_keeps_no_other_from_being_made() -> None:
    loop = Loop()
    for name in ("a0", "a1", "a2"):
        loop.ask(name)

    def fail() -> None:
        raise RuntimeError("for this test")

    loop.scheduler.call("a", fail)
    loop.ask("a3")
    with pytest.raises(RuntimeError, match="for this test"):
        loop.turn()
    assert loop.turn() == ["a3"]


def test_a_thousand_clients_leave_nothing_behind() -> None:
    loop = Loop()
    for number in range(1_000):
        loop.ask(chr(1_000 + number))
        loop.ask(chr(1_000 + number))
    while len(loop.scheduler):
        loop.turn()
    assert len(loop.made) == 2_000


def reader_of_a_busy_client(loop: Loop, transport: StringTransport, taken: list[bytes]) -> FairReader:
    """A connection of a client whose calls fill this turn."""
    for name in ("a0", "a1", "a2"):
        loop.ask(name)
    return FairReader(loop.scheduler, "a", transport, taken.append, lambda: True)


def test_bytes_that_wait_stay_in_order_and_no_more_are_read() -> None:
    loop, transport, taken = Loop(), StringTransport(), list[bytes]()  # type: ignore[no-untyped-call]
    reader = reader_of_a_busy_client(loop, transport, taken)
    reader.receive(b"2")
    assert transport.producerState == "producing"
    reader.receive(b"3")
    assert (transport.producerState, taken) == ("paused", [])
    reader.put_back(b"1")
    loop.turn()
    assert (transport.producerState, taken) == ("producing", [b"123"])


def test_much_is_passed_on_in_pieces_and_others_have_their_turn_between_them() -> None:
    loop, transport, taken = Loop(seconds=0), StringTransport(), list[bytes]()  # type: ignore[no-untyped-call]
    reader = FairReader(loop.scheduler, "a", transport, taken.append, lambda: True)
    reader.receive(b"x" * 2 * PIECE + b"y")
    assert (transport.producerState, taken) == ("paused", [b"x" * PIECE])
    for name in ("b0", "b1"):
        loop.ask(name)
    loop.turn()
    loop.turn()
    loop.turn()
    assert (transport.producerState, taken[1:], loop.made) == ("producing", [b"x" * PIECE, b"y"], ["b0", "b1"])


def test_nothing_is_passed_on_nor_read_while_it_may_not_be_taken() -> None:
    loop, transport, taken, may_take = Loop(), StringTransport(), list[bytes](), False  # type: ignore[no-untyped-call]
    reader = FairReader(loop.scheduler, "a", transport, taken.append, lambda: may_take)
    reader.receive(b"1")
    reader.receive(b"2")
    loop.turn()
    assert (transport.producerState, taken) == ("paused", [])
    may_take = True
    reader.go_on()
    assert (transport.producerState, taken) == ("producing", [b"12"])


def test_what_waits_is_dropped_with_its_connection() -> None:
    loop, transport, taken = Loop(), StringTransport(), list[bytes]()  # type: ignore[no-untyped-call]
    reader = reader_of_a_busy_client(loop, transport, taken)
    reader.receive(b"1")
    reader.end()
    loop.turn()
    assert taken == []


def test_bytes_that_cannot_be_taken_end_their_connection() -> None:
    transport = StringTransport()  # type: ignore[no-untyped-call]

    def take(data: bytes) -> None:
        raise RuntimeError(data.decode())

    reader = FairReader(Loop(math.inf).scheduler, "a", transport, take, lambda: True)
    with pytest.raises(RuntimeError, match="1"):
        reader.receive(b"1")
    assert transport.disconnected
