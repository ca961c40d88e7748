"""An HTTP connection of daphne without a network."""

import math
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from ghostnet.http.connections import BoundedChannel
from ghostnet.http.fair_reads import FairScheduler


class _Transport(StringTransport):
    aborted = False

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        """As that of a real connection, also when there is none."""
        self.producer = None

    @property
    def sent(self) -> bytes:
        return cast("bytes", self.value())  # type: ignore[no-untyped-call]

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.aborted = True


def connect() -> tuple[Any, _Transport, Clock]:
    """A connection without a network, on a clock of its own."""
    clock, transport = Clock(), _Transport()  # type: ignore[no-untyped-call]
    channel: Any = BoundedChannel()
    channel.callLater = clock.callLater
    channel.timeOut = None
    channel.scheduler = FairScheduler(math.inf, call_soon=lambda _: None)
    channel.makeConnection(transport)
    return channel, transport, clock
