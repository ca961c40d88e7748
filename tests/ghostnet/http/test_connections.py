"""What a connection may send before its request is complete is limited in size and time."""

from ghostnet.http.connections import HEAD_SECONDS, LATE_SECONDS, MAX_DRAINED_BYTES
from tests.ghostnet.http.channel import connect


def test_a_head_that_grows_slowly_ends_its_connection() -> None:
    channel, transport, clock = connect()
    clock.advance(HEAD_SECONDS * 10)  # nothing was begun
    channel.dataReceived(b"GET / HTTP/1.1\r\n")
    for _ in range(4):
        clock.advance(HEAD_SECONDS / 5)
        channel.dataReceived(b"a: b\r\n")
    assert not transport.aborted
    clock.advance(HEAD_SECONDS / 5)
    assert transport.aborted


def test_what_comes_while_answers_are_not_read_waits_until_they_are() -> None:
    channel, transport, _ = connect()
    channel.pauseProducing()
    channel.dataReceived(b"hello\r\n")
    assert transport.sent == b""
    channel.resumeProducing()
    assert transport.sent.startswith(b"HTTP/1.1 400")


def test_an_answer_that_nobody_reads_ends_its_connection_though_it_is_the_last() -> None:
    channel, _, clock = connect()
    channel.timeOut = 60
    channel.loseConnection()
    clock.advance(60)
    assert clock.getDelayedCalls(), "it has some seconds more"
    clock.advance(channel.abortTimeout)
    assert channel.transport.aborted


def test_what_comes_after_a_refusal_is_dropped_and_the_connection_ends() -> None:
    for bytes_more, seconds in ((MAX_DRAINED_BYTES + 1, 0.0), (10, LATE_SECONDS)):
        channel, transport, clock = connect()
        channel.dataReceived(b"hello\r\n" + b"GET / HTTP/1.1\r\n\r\n")
        answer = transport.sent
        channel.dataReceived(b"x" * bytes_more)
        assert transport.aborted is (seconds == 0)
        clock.advance(seconds)
        assert transport.aborted
        assert transport.sent == answer
        assert answer.count(b"HTTP/1.1 400 Bad Request") == 1
