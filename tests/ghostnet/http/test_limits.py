"""Limits of one client; a million clients take no more memory than a few."""

import asyncio

import pytest

from ghostnet.http import limits as limits_module
from ghostnet.http import token_buckets
from ghostnet.http.limits import REFUSAL_SECONDS, REFUSALS_AT_ONCE, WORK_SECONDS, ClientLimits
from ghostnet.http.token_buckets import TokenBucket, TokenBuckets


class Clock:
    """Waits until it is released."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(token_buckets, "time", found)
    return found


def test_a_bucket_holds_so_much_and_fills_again(clock: Clock) -> None:
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    assert bucket.seconds_until(1) == 0.5
    clock.now = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    bucket.charge(100)
    assert bucket.level == -3
    clock.now = 100
    assert bucket.level == 3


def test_who_has_caused_too_much_work_may_cause_no_more_for_a_while(clock: Clock) -> None:
    limits = ClientLimits(100)
    assert limits.may_work("dear")
    limits.charge("dear", WORK_SECONDS + 1)
    assert not limits.may_work("dear")
    assert limits.may_work("other")
    assert limits.take_request("dear"), "what is known already costs no work"
    clock.now = limits.retry_after("dear")
    assert limits.may_work("dear")
    more = ClientLimits(100, work=600)
    more.charge("dear", WORK_SECONDS + 1)
    clock.now += 1
    assert more.may_work("dear"), "as many seconds a minute as are set"


def test_nothing_is_limited_by_client_if_requests_are_not() -> None:
    limits = ClientLimits(0)
    limits.charge("dear", 1_000)
    assert limits.may_work("dear")
    assert limits.take_request("dear")
    assert limits.headers("dear") == []
    assert (limits.slots_each(8), limits.waiting_each(8)) == (8, 8)
    limited = ClientLimits(60)
    assert (limited.slots_each(8), limited.waiting_each(8)) == (1, 8)


def test_a_million_clients_take_no_more_room_than_some() -> None:
    known = TokenBuckets(1, 100)
    for number in range(token_buckets.MAX_CLIENTS + 10_000):
        known.for_client(str(number)).take(50)
    assert len(known) == token_buckets.MAX_CLIENTS
    assert known.for_client(str(number)).level < 51, "the newest are known"
    assert known.for_client("0").level == 100, "the oldest are not"


def test_refusals_beyond_some_wait_each_for_another_time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = list[float]()

    class Sleeper:
        @staticmethod
        async def sleep(seconds: float) -> None:
            waits.append(seconds)

    monkeypatch.setattr(limits_module, "asyncio", Sleeper)
    limits = ClientLimits(100)

    async def refuse(times: int) -> None:
        for _ in range(times):
            await limits.before_refusal("hasty")

    asyncio.run(refuse(REFUSALS_AT_ONCE))
    assert waits == []
    asyncio.run(refuse(30))
    shortest, longest = REFUSAL_SECONDS
    assert len({*waits}) == 30
    assert all(shortest <= seconds <= longest for seconds in waits)
