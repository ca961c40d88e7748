"""How much one client may ask, and who a client is."""

import ipaddress
import re
import time
from dataclasses import dataclass
from math import ceil
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.types import Scope

NOBODY: Final = "unknown"
"""The client of a connection that has no address, as that of a Unix socket."""


_WITH_PORT: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::\d+)?")
"""An address as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is allowed, and the headers that tell its client how it stands."""

    allowed: bool
    headers: list[tuple[bytes, bytes]]


class RequestLimit:
    """So many requests a minute for each client of this process; 0 for any number.

    `proxies` is how many proxies of ours stand in front: each adds one address to X-Forwarded-For, and what is written
    before those is the client's own invention.
    """

    def __init__(self, per_minute: int, proxies: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._proxies = proxies

    def count(self, scope: Scope) -> Verdict:
        """Count a request of the scope's client."""
        if self._item is None:
            return Verdict(True, [])
        client = client_of(scope, self._proxies)
        allowed = self._limiter.hit(self._item, client)
        window = self._limiter.get_window_stats(self._item, client)
        wait = max(0, ceil(window.reset_time - time.time()))
        headers = [
            (b"RateLimit-Limit", str(self._item.amount).encode()),
            (b"RateLimit-Remaining", str(window.remaining).encode()),
            (b"RateLimit-Reset", str(wait).encode()),
        ]
        return Verdict(allowed, headers if allowed else [*headers, (b"Retry-After", str(max(1, wait)).encode())])


def client_of(scope: Scope, proxies: int) -> str:
    """The client's address; of IPv6, where it stands for none of IPv4, the network of 64 bits that one client has."""
    address = (scope.get("client") or (NOBODY,))[0]
    if proxies:
        named = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        forwarded = [part.strip() for part in named.split(",") if part.strip()]
        if len(forwarded) >= proxies:
            address = forwarded[-proxies]
    if (parts := _WITH_PORT.fullmatch(address)) is not None:
        address = parts[1] or parts[2]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return NOBODY
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
