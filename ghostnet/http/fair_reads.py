"""Fair scheduling of reads: each turn of the event loop makes one call per client, and more only for a short time.

Otherwise a hundred requests of one address that come in the same millisecond would be handled in one turn, while all
other clients wait.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final

TURN_SECONDS: Final = 0.001
"""Seconds of one turn of the event loop in which more than one call per client is made. A call is never interrupted."""

PIECE: Final = 2048
"""Bytes of one connection that are looked at in one call. Of a body in chunks of one byte these take 1.3 ms."""

Call = Callable[[], None]


def _call_soon(call: Call) -> None:
    asyncio.get_running_loop().call_soon(call)


class FairScheduler:
    """Makes calls for clients: in each turn of the event loop one for each client, and more of them for `seconds`.

    What is left waits for the next turn, client by client. Belongs to one event loop, whose `call_soon` makes a call in
    the next turn; `clock` returns seconds.
    """

    def __init__(
        self,
        seconds: float = TURN_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
        call_soon: Callable[[Call], object] = _call_soon,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._call_soon = call_soon
        self._end = 0.0
        """The time at which this turn's `seconds` are over."""
        self._called: set[str] = set()
        """The clients of this turn's calls."""
        self._queues: OrderedDict[str, deque[Call]] = OrderedDict()

    def __len__(self) -> int:
        """The number of clients that wait, or had a call made in this turn."""
        return len(self._called | self._queues.keys())

    def call(self, client: str, call: Call) -> None:
        """Make a call for a client, now or in a later turn of the event loop; a client's own calls in their order."""
        if client not in self._queues and (client not in self._called or self._clock() < self._end):
            self._make(client, call)
        else:
            self._queues.setdefault(client, deque()).append(call)

    def _make(self, client: str, call: Call) -> None:
        if not self._called:
            self._end = self._clock() + self._seconds
            self._call_soon(self._begin)
        self._called.add(client)
        call()

    def _begin(self) -> None:
        """Begin another turn of the event loop."""
        self._called.clear()
        while self._queues and (not self._called or self._clock() < self._end):
            client, queue = self._queues.popitem(last=False)
            call = queue.popleft()
            if queue:
                self._queues[client] = queue
            self._make(client, call)


class FairReader:
    """Passes the bytes of one connection on to `take`, scheduled by its client, at most PIECE in one call.

    While bytes wait and others have come, the `transport` is not read. While `may_take` is false nothing is passed on,
    nor is the transport read again: `go_on` when that changes.
    """

    __slots__ = ("_client", "_is_called", "_is_paused", "_may_take", "_scheduler", "_take", "_transport", "_waiting")

    def __init__(
        self,
        scheduler: FairScheduler,
        client: str,
        transport: Any,
        take: Callable[[bytes], None],
        may_take: Callable[[], bool],
    ) -> None:
        self._scheduler = scheduler
        self._client = client
        self._transport = transport
        self._take = take
        self._may_take = may_take
        self._waiting = b""
        self._is_called = False
        self._is_paused = False

    @property
    def waits(self) -> bool:
        """Whether bytes have come that were not passed on."""
        return bool(self._waiting)

    def receive(self, data: bytes) -> None:
        """Pass bytes on, now or later. What `take` raises ends the connection."""
        waited = self.waits
        self._waiting += data
        self.go_on()
        if self.waits and (waited or len(self._waiting) > PIECE):
            self._is_paused = True
            self._transport.pauseProducing()

    def put_back(self, data: bytes) -> None:
        """Pass bytes on again, before those that wait."""
        self._waiting = data + self._waiting
        self.go_on()

    def go_on(self) -> None:
        """Pass on what waits, if it may be taken."""
        if self._waiting and not self._is_called and self._may_take():
            self._is_called = True
            self._scheduler.call(self._client, self._pass_on)

    def end(self) -> None:
        """Drop the bytes that wait, after the connection has ended."""
        self._waiting = b""

    def _pass_on(self) -> None:
        self._is_called = False
        if not self._waiting or not self._may_take():
            return
        data, self._waiting = self._waiting[:PIECE], self._waiting[PIECE:]
        if self._is_paused and not self._waiting:
            self._is_paused = False
            self._transport.resumeProducing()
        try:
            self._take(data)
        except BaseException:
            self._waiting = b""
            self._transport.abortConnection()
            raise
        self.go_on()
