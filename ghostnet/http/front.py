"""The API's front: what can be decided in the event loop is, the rest is asked of Django on threads.

Limits, waiting for a block, and answers from the cache need no thread; a computation for which many wait is done once.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from hashlib import blake2b
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import msgspec
from django.core.cache import caches
from django.http import HttpResponse
from starlette.types import Receive, Scope, Send

from ghostnet.http.handler import Answer, answer_of, respond
from ghostnet.http.limits import RequestLimit
from ghostnet.http.metrics import HITS, INDEXED, MISSES, REQUESTS, SECONDS
from ghostnet.http.problems import problem
from indexer.stream.commits import Heads

Key = tuple[bytes, bytes, bool, int]
"""A question: path, query, whether its answer may be compressed, and the revision of the state that it is asked of."""

MOST_BODY: Final = 1 << 20
"""Bytes of a request's body that are read at all."""
MOST_WAITING: Final = 1_000
"""Questions that wait for a thread; more would wait longer than their clients do."""
CACHED_SECONDS: Final = 60
ALWAYS: Final = [
    (b"X-Content-Type-Options", b"nosniff"),
    (
        b"Content-Security-Policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    ),
]
"""Headers of every answer: what it holds is data, and the one page among them, the API's documents, runs only our
scripts."""
REFUSED: Final = "refused"
"""The endpoint of requests that were turned away before anybody looked at their path."""


class ApiFront:
    """An ASGI application for all paths of the API; belongs to one event loop.

    `threads` answer, each on a connection of its own; an answer is kept until the next commit, and not longer than
    `cached` seconds.
    """

    def __init__(
        self, heads: Heads, limit: RequestLimit, threads: int, longest_wait: float, cached: float = CACHED_SECONDS
    ) -> None:
        self._heads = heads
        self._limit = limit
        self._longest_wait = longest_wait
        self._cached = cached
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")
        self._computing: dict[Key, asyncio.Task[Answer]] = {}
        self._waiting = 0
        self._cache = caches["default"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        verdict = self._limit.count(scope)
        answer = await self._answer(scope, receive) if verdict.allowed else _TOO_MANY
        if answer.tag is not None and _is_known(scope, answer.tag):
            kept = [header for header in answer.headers if not header[0].startswith(b"Content-")]
            answer = replace(answer, status=HTTPStatus.NOT_MODIFIED, headers=kept, body=b"")
        REQUESTS.labels(answer.endpoint, answer.status).inc()
        SECONDS.labels(answer.endpoint).observe(time.perf_counter() - started)
        headers = [*answer.headers, *verdict.headers, *ALWAYS]
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        self._heads.start()
        if not await _is_small(scope, receive):
            return _TOO_LARGE
        await self._wait_for_block(scope["query_string"])
        latest = self._heads.latest
        if scope["method"] != "GET" or latest is None:
            return await self._ask_django(scope)
        INDEXED.set(latest.block_number)
        key = (_path(scope), scope["query_string"], _takes_gzip(scope), latest.revision)
        found: Answer | None = self._cache.get(_name(key))
        if found is not None:
            HITS.inc()
            return found
        task = self._computing.get(key)
        if task is None:
            MISSES.inc()
            task = self._computing[key] = asyncio.get_running_loop().create_task(self._compute(key, scope))
            task.add_done_callback(lambda _: self._computing.pop(key))
        else:
            HITS.inc()
        return await asyncio.shield(task)

    async def _wait_for_block(self, query: bytes) -> None:
        if b"min_block=" in query:
            (text, *_) = parse_qs(query.decode("latin-1")).get("min_block", [""])
            if text.isdecimal() and len(text) <= len(str(1 << 63)):
                await self._heads.reach(int(text), self._longest_wait)

    async def _compute(self, key: Key, scope: Scope) -> Answer:
        answer = await self._ask_django(scope)
        if answer.block is not None:
            self._heads.saw(answer.block)
            if answer.status == HTTPStatus.OK:
                self._cache.set(_name((*key[:3], answer.block.revision)), replace(answer, block=None), self._cached)
        return answer

    async def _ask_django(self, scope: Scope) -> Answer:
        if self._waiting >= MOST_WAITING:
            return _TOO_BUSY
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, respond, scope)
        finally:
            self._waiting -= 1


def _path(scope: Scope) -> bytes:
    path: str = scope["path"]
    return path.encode()


def _name(key: Key) -> str:
    """A name of the key for Django's cache, which takes short plain text."""
    return blake2b(msgspec.msgpack.encode(key), digest_size=16).hexdigest()


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for header, value in scope["headers"] if header == name), b"")


def _takes_gzip(scope: Scope) -> bool:
    return b"gzip" in _header(scope, b"accept-encoding")


def _is_known(scope: Scope, tag: str) -> bool:
    """Whether the client has this answer (RFC 9110, weak comparison)."""
    known = [text.strip().removeprefix("W/") for text in _header(scope, b"if-none-match").decode("latin-1").split(",")]
    return "*" in known or tag.removeprefix("W/") in known


async def _is_small(scope: Scope, receive: Receive) -> bool:
    """Read the body away, which no answer depends on; False as soon as it is larger than it may be."""
    declared = _header(scope, b"content-length")
    if declared.isdigit() and int(declared) > MOST_BODY:
        return False
    size, more = 0, True
    while more and size <= MOST_BODY:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return size <= MOST_BODY


def _refusal(response: HttpResponse) -> Answer:
    return answer_of(response, REFUSED)


_TOO_MANY: Final = _refusal(problem(HTTPStatus.TOO_MANY_REQUESTS, "more requests than a minute may have"))
_TOO_LARGE: Final = _refusal(problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MOST_BODY} bytes"))
_TOO_BUSY: Final = _refusal(
    problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many wait already", headers={"Retry-After": "1"})
)
