"""Redaction of secrets in logs: passwords and keys, which the addresses of nodes, databases and brokers contain."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN: Final = "***"
SHORTEST: Final = 12
"""Characters. Shorter ones are words, such as `ghostnet`'s parts, that would make every line unreadable; as parts of an
address they are hidden all the same."""

_USER_OF_ADDRESS: Final = re.compile(r"(?<=://)[^/@\s\"']+@")
_PASSWORD_OF_CONNECTION: Final = re.compile(r"(?<=password=)('[^']*'|[^\s'\"]+)")


class Mask:
    """Replaces the secrets of some addresses, and other given secrets, wherever they occur in a text."""

    def __init__(self, addresses: Iterable[str], secrets: Iterable[str] = ()) -> None:
        found = {secret for address in addresses for secret in secrets_of(address)} | {*secrets}
        parts = sorted((secret for secret in found if len(secret) >= SHORTEST), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, parts))) if parts else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        text = _USER_OF_ADDRESS.sub(f"{HIDDEN}@", text)
        return _PASSWORD_OF_CONNECTION.sub(HIDDEN, text)


def secrets_of(address: str) -> Iterator[str]:
    """The parts of an address that may be secret, each as it is written and with its escapes decoded.

    These are its password and, for a node's address, user, path and query too: providers put their keys there.
    """
    parts = urlsplit(address)
    written = [parts.password or ""]
    if parts.scheme in ("http", "https", "ws", "wss"):
        written += [parts.username or "", *parts.path.split("/")]
        written += [value for _, value in parse_qsl(parts.query)]
    for secret in written:
        yield secret
        yield unquote(secret)
