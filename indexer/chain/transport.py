"""One HTTP request to a node: proxies, certificates, redirects, compression and time-outs."""

import math
import os
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from indexer.base.retry import MAX_PAUSE_SECONDS
from indexer.chain.errors import Denied, Disconnected, TimedOut, TooLong, Unavailable
from indexer.chain.metrics import RECEIVED, REQUESTS
from indexer.chain.nodes import Node

REQUEST_SECONDS: Final = 30.0
MAX_BYTES: Final = 256 << 20
"""The longest answer that is read, unpacked: one without an end would take all memory."""
KEEP_ALIVE_SECONDS: Final = 3.0
"""How long an idle connection is kept. While a node fails the pauses are longer soon, and its name is resolved anew:
it may have moved."""
_HEADERS: Final = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A node's reply; `retry_after` in seconds, at most the longest pause of retries, None without that header."""

    status: int
    body: bytes
    retry_after: float | None = None


@cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Who is trusted, as these two variables of the environment say; reading all authorities takes a while."""
    return ssl.create_default_context()


def _trust_for(url: str) -> ssl.SSLContext | bool:
    """Who is trusted at an address; aiohttp's default for one without TLS, whose proxy may have it."""
    if not url.startswith("https:"):
        return True
    return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address (HTTP_PROXY, HTTPS_PROXY, NO_PROXY); None for none.

    aiohttp would look for it on a thread, and read ~/.netrc, for each request: half of the time of a fast one.
    """
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class Transport:
    """Sends requests by POST, through the proxy that HTTP_PROXY or HTTPS_PROXY names, if any; an asynchronous context
    manager."""

    async def __aenter__(self) -> "Transport":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                ttl_dns_cache=int(KEEP_ALIVE_SECONDS),
            ),
            read_bufsize=1 << 20,
        )
        self._proxy_for = cache(_proxy_for)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._session.close()

    async def post(self, node: Node, body: bytes, method: str, seconds: float | None = None) -> Reply:
        """The reply to a request whose first call is of `method`, within so many seconds (None: REQUEST_SECONDS).

        Raises TimedOut, Disconnected or Unavailable if there is none, TooLong if it is longer than MAX_BYTES,
        Denied if the address is not the node's own.
        """
        seconds = REQUEST_SECONDS if seconds is None else seconds
        try:
            async with self._session.post(
                node.url,
                data=body,
                headers=_HEADERS,
                allow_redirects=False,
                proxy=self._proxy_for(node.url),
                ssl=_trust_for(node.url),
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                if 300 <= response.status < 400:
                    raise _redirected(method, response.status, response.headers.get("Location", ""), node)
                raw = await _body(response, method)
                REQUESTS.labels(node.name).inc()
                RECEIVED.labels(node.name).inc(len(raw))
                return Reply(response.status, raw, _seconds(response.headers.get("Retry-After")))
        except TimeoutError as error:
            raise TimedOut(f"no answer within {seconds:.0f} s") from error
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise Unavailable(_reason(error)) from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            if (compression := _compression(error)) is not None:
                raise Unavailable(compression) from error
            raise Disconnected(_reason(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(_compression(error) or _reason(error)) from error


async def _body(response: aiohttp.ClientResponse, method: str) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise TooLong(method, {"message": f"the answer is longer than {MAX_BYTES >> 20} MiB"})
    return b"".join(parts)


def _redirected(method: str, status: int, location: str, node: Node) -> Denied:
    """A request that is to be sent elsewhere: a client that follows would send it without its body, by GET."""
    target = urlsplit(location)
    place = f"{target.scheme}://{target.hostname}" if target.hostname else "another path of the same host"
    message = f"the address redirects to {node.mask(place)}"
    return Denied(
        method,
        {"code": status, "message": message},
        help=f"Put the address to which {node.name} redirects into GHOSTNET_RPC_URLS: requests are not sent on.",
    )


def _compression(error: Exception) -> str | None:
    """The error text for an answer with a compression that was not requested; None if that is not the fault."""
    text = str(error)
    if "content-encoding" not in text.lower():
        return None
    return f"the answer is compressed in another way than gzip, which was asked for ({text.splitlines()[-1].strip()})"


def _reason(error: Exception) -> str:
    """What went wrong, without the address: it may hold a key."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        problem = getattr(error.certificate_error, "verify_message", "") or type(error.certificate_error).__name__
        return f"its certificate is not trusted ({problem}); SSL_CERT_FILE names the authorities that are"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return "the proxy that HTTP_PROXY or HTTPS_PROXY names can't be reached"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy that HTTP_PROXY or HTTPS_PROXY names refuses (HTTP status {error.status})"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else type(error).__name__


def _seconds(retry_after: str | None) -> float | None:
    """The seconds of a Retry-After header, a number or a date; at most the longest pause of retries."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(MAX_PAUSE_SECONDS, max(0.0, seconds))
