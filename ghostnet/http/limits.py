"""The rate limit per client, and the address by which a client is known."""

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

UNKNOWN_CLIENT: Final = "unknown"
"""The client of a connection that has no address, as that of a Unix socket."""


_WITH_PORT: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::\d+)?")
"""An address as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """Whether a request is within the limit, and the `RateLimit-*` headers of its answer."""

    allowed: bool
    headers: list[tuple[bytes, bytes]]


class RequestLimit:
    """Allows each client of this process `per_minute` requests a minute; 0 for any number.

    `proxies` is the number of trusted proxies in front: each adds one address to X-Forwarded-For, and whatever stands
    before those may be forged by the client.
    """

    def __init__(self, per_minute: int, proxies: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._proxies = proxies

    def count(self, scope: Scope) -> CountedRequest:
        """Count a request of the scope's client."""
        if self._item is None:
            return CountedRequest(True, [])
        client = client_of(scope, self._proxies)
        allowed = self._limiter.hit(self._item, client)
        window = self._limiter.get_window_stats(self._item, client)
        wait = max(0, ceil(window.reset_time - time.time()))
        headers = [
            (b"RateLimit-Limit", str(self._item.amount).encode()),
            (b"RateLimit-Remaining", str(window.remaining).encode()),
            (b"RateLimit-Reset", str(wait).encode()),
        ]
        return CountedRequest(allowed, headers if allowed else [*headers, (b"Retry-After", str(max(1, wait)).encode())])


def client_of(scope: Scope, proxies: int) -> str:
    """The address of a scope's client, behind `proxies` trusted proxies.

    Of IPv6 the /64 network, which one client has all of; of an IPv4 address mapped into IPv6 the IPv4 one.
    """
    address = (scope.get("client") or (UNKNOWN_CLIENT,))[0]
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
        return UNKNOWN_CLIENT
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
