"""Limits of one client of this process: a number of requests a minute, and seconds of work a minute."""

import asyncio
import random
from math import ceil
from typing import Final

from ghostnet.http.token_buckets import TokenBuckets

WORK_SECONDS: Final = 10
"""Seconds of work (a thread's, or a page's place) that one client may cause in a minute, unless it is set otherwise."""
WORK_AT_ONCE: Final = 3
REFUSALS: Final = 5
"""Refusals a second that are sent immediately; further ones to the same client are delayed."""
REFUSALS_AT_ONCE: Final = 50
REFUSAL_SECONDS: Final = 2.0, 4.0
"""Bounds of that delay in seconds. It is random, since hundreds of refusals that are sent together, and the requests
that follow them, would hold the event loop for a tenth of a second."""
CONCURRENT_PER_CLIENT: Final = 1
"""Requests of one client that are computed at the same time: two would fill two cores."""
WAITING_EACH: Final = 100
"""Requests of one client that may wait for a slot."""


class ClientLimits:
    """Allows each client `per_minute` requests and `work` seconds of work a minute; no requests: no limits by client.

    Work is charged when it is done: expensive requests leave room for fewer.
    """

    def __init__(self, per_minute: int, work: float = WORK_SECONDS) -> None:
        self.active = per_minute > 0
        self._per_minute = per_minute
        self._requests = TokenBuckets(per_minute / 60, per_minute)
        self._work = TokenBuckets(work / 60, WORK_AT_ONCE)
        self._refusals = TokenBuckets(REFUSALS, REFUSALS_AT_ONCE)

    def __len__(self) -> int:
        """The number of clients with a bucket."""
        return max(len(self._requests), len(self._work))

    def slots_each(self, limit: int) -> int:
        """The number of slots that one client may have of `limit`."""
        return CONCURRENT_PER_CLIENT if self.active else limit

    def waiting_each(self, limit: int) -> int:
        """The number of places in a queue that one client may have of `limit`."""
        return min(WAITING_EACH, limit) if self.active else limit

    def take_request(self, client: str) -> bool:
        """Count a request; return whether it is allowed."""
        return not self.active or self._requests.for_client(client).take()

    def may_work(self, client: str) -> bool:
        """Whether the client has not used up its work."""
        return not self.active or self._work.for_client(client).level >= 0

    def charge(self, client: str, seconds: float) -> None:
        """Count work that was done for a client."""
        if self.active:
            self._work.for_client(client).charge(seconds)

    def headers(self, client: str) -> list[tuple[bytes, bytes]]:
        """The `RateLimit-*` headers of an answer."""
        if not self.active:
            return []
        requests = self._requests.for_client(client)
        return [
            (b"RateLimit-Limit", b"%d" % self._per_minute),
            (b"RateLimit-Remaining", b"%d" % max(0, int(requests.level))),
            (b"RateLimit-Reset", b"%d" % ceil(requests.seconds_until(self._per_minute))),
        ]

    async def before_refusal(self, client: str) -> None:
        """Delay a refusal of a client that gets many, since refusals have a cost too."""
        if self.active and not self._refusals.for_client(client).take():
            await asyncio.sleep(random.uniform(*REFUSAL_SECONDS))  # noqa: S311

    def retry_after(self, client: str) -> int:
        """The seconds after which a client that was refused may ask again."""
        wait = max(self._requests.for_client(client).seconds_until(1), self._work.for_client(client).seconds_until(0))
        return max(1, ceil(wait))
