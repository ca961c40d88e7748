"""The limits of a node on requests, calls and bytes a second and on the size of answers; worded as nodes word them."""

import math
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from indexer.replay.refusal import Refusal

BACKEND_TOO_LARGE: Final = (-32020, "backend response too large")
REST_TOO_LARGE: Final = (-32003, "response too large")
OUT_OF_RANGE: Final = (-32019, "block is out of range")
NOT_WHITELISTED: Final = (-32601, "rpc method is not whitelisted")
BEYOND_HEAD: Final = (-32602, "block range extends beyond current head block")
RATE_EXCEEDED: Final = (-32005, "rate limit exceeded")
"""Code and message of refusals."""

_MAX_ERROR_BYTES: Final = 1000
_STATUS_OF_ERROR: Final = {
    -32700: HTTPStatus.BAD_REQUEST,
    OUT_OF_RANGE[0]: HTTPStatus.BAD_REQUEST,
    NOT_WHITELISTED[0]: HTTPStatus.FORBIDDEN,
}
"""The HTTP statuses with which MegaETH sends errors of single calls; all others come with 200."""


@dataclass(slots=True)
class Limits:
    """What the node refuses; 0 means no limit.

    For eth_getLogs `max_range` in blocks and `max_results` in logs; `strict_head`: no range may reach beyond the head.
    `cursor_page`: eth_getLogsWithCursor is there, and gives so many logs a page. `bandwidth` in bytes a second;
    `compute` in calls a second: a batch of twenty counts as twenty. `max_response` in bytes: once the answers of a
    batch are larger, the rest of it is refused, as by go-ethereum. `megaeth`: errors have the codes, wordings and HTTP
    statuses of MegaETH's public RPC; there any answer larger than `max_response` is refused, and so is every range
    beyond the head.
    """

    max_range: int = 0
    max_results: int = 0
    strict_head: bool = False
    cursor_page: int = 0
    max_response: int = 0
    bandwidth: int = 0
    compute: float = 0.0
    megaeth: bool = False


class RateBucket:
    """Tokens that come at a rate; it holds one second's worth, but at least one, and can be in debt."""

    def __init__(self) -> None:
        self._tokens = math.inf
        self._counted_at = time.monotonic()

    def wait(self, rate: float, tokens: float) -> float:
        """The seconds until there are so many tokens; 0 if there already are."""
        now = time.monotonic()
        self._tokens = min(max(rate, 1), self._tokens + (now - self._counted_at) * rate)
        self._counted_at = now
        return max(0.0, (tokens - self._tokens) / rate)

    def take(self, tokens: float) -> None:
        """Use up so many."""
        self._tokens -= tokens


class Gate:
    """Applies the limits to HTTP requests and answers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._requests = RateBucket()
        self._calls = RateBucket()
        self._bytes = RateBucket()

    def refuse(self, body: bytes, rate_limit: float) -> web.Response | None:
        """The answer to a request that is one too many, at `rate_limit` requests a second or by the limits."""
        limits = self._limits
        calls = max(1, body.count(b'"method"'))
        for bucket, rate, cost in ((self._requests, rate_limit, 1), (self._calls, limits.compute, calls)):
            if rate:
                wait = bucket.wait(rate, min(cost, max(rate, 1)))
                if wait:
                    return self._too_many(-32022, "over compute unit limit", wait)
                bucket.take(cost)
        if limits.bandwidth:
            wait = self._bytes.wait(limits.bandwidth, 0)
            if wait:
                return self._too_many(-32021, "over network traffic limit", wait)
        return None

    def pass_out(self, answer: bytes) -> web.Response:
        """The HTTP answer, whose bytes count; or a refusal where it is too large."""
        limits = self._limits
        if limits.bandwidth:
            self._bytes.take(len(answer))
        if limits.megaeth and limits.max_response and len(answer) > limits.max_response:
            return error_response(Refusal(*BACKEND_TOO_LARGE), HTTPStatus.INTERNAL_SERVER_ERROR)
        status = _status_of(answer) if limits.megaeth else HTTPStatus.OK
        return web.Response(status=status, body=answer, content_type="application/json")

    def _too_many(self, code: int, message: str, wait: float) -> web.Response:
        """Refuse a request too many; MegaETH puts the pause before a retry into the text, others into a header."""
        if self._limits.megaeth:
            text = f"{message}, retry in {math.ceil(wait)} seconds"
            return error_response(Refusal(code, text), HTTPStatus.TOO_MANY_REQUESTS)
        response = error_response(Refusal(*RATE_EXCEEDED), HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = f"{wait:.3f}"
        return response


def error_response(refusal: Refusal, status: HTTPStatus) -> web.Response:
    """A JSON-RPC error that answers a whole request."""
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": refusal.body})
    return web.Response(status=status, body=body, content_type="application/json")


class _Error(msgspec.Struct):
    code: int = 0


class _Answer(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def _status_of(answer: bytes) -> HTTPStatus:
    if not answer.startswith(b"{") or len(answer) > _MAX_ERROR_BYTES:
        return HTTPStatus.OK
    code = msgspec.json.decode(answer, type=_Answer).error.code
    return _STATUS_OF_ERROR.get(code, HTTPStatus.OK)
