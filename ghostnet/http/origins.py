"""Origins of pages (RFC 6454): their normal form, and whether one is a host of this server."""

from typing import Final
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host

_PORTS: Final = {"http": "80", "https": "443"}


def normal_origin(origin: str) -> str:
    """An origin in lower case, without a default port or the dot that may end a host; other text as it is."""
    try:
        parts = urlsplit(origin)
        host, port = split_domain_port(parts.netloc)
    except ValueError:
        return origin
    scheme = parts.scheme.lower()
    if not host or scheme not in _PORTS:
        return origin
    return f"{scheme}://{host}" if port in ("", _PORTS[scheme]) else f"{scheme}://{host}:{port}"


def is_ours(host: str, allowed: list[str]) -> bool:
    """Whether a Host header names one of the allowed hosts (Django's ALLOWED_HOSTS)."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether an origin in its normal form is that of a Host header; a port that is missing is the scheme's default."""
    scheme = origin.partition("://")[0]
    return origin == normal_origin(f"{scheme}://{host}")
