"""The address by which all limits identify a client."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

from starlette.types import Scope

UNKNOWN_CLIENT: Final = "unknown"
"""The client of a connection that has no address, as that of a Unix socket."""

_WITH_PORT: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::\d+)?")
"""An address as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""


def client_of(scope: Scope) -> str:
    """The address of a scope's client (`ghostnet.http.edge` has put there the one that proxies name).

    Of IPv6 the /64 network, which one client has all of; of an IPv4 address mapped into IPv6 the IPv4 one.
    """
    address: str = (scope.get("client") or (UNKNOWN_CLIENT,))[0]
    return _known_as(address)


@lru_cache(maxsize=4096)
def _known_as(address: str) -> str:
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
