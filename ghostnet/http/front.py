"""The caching frontend: answers what it can in the event loop, and has Django compute the rest on threads.

Limits, waiting for a block, and cached answers need no thread; an answer that many wait for is computed once.
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
from django.utils.http import parse_etags
from starlette.types import Receive, Scope, Send

from ghostnet.http.handler import Answer, answer_of, respond
from ghostnet.http.headers import SECURITY_HEADERS
from ghostnet.http.limits import RequestLimit
from ghostnet.http.metrics import HITS, INDEXED, MISSES, REQUESTS, SECONDS
from ghostnet.http.problems import problem
from indexer.stream.commits import CommitWatcher

CacheKey = tuple[bytes, bytes, bool, int]
"""What an answer depends on: path, query, whether it may be compressed, and the revision of the state it shows."""

MOST_WAITING: Final = 1_000
"""Requests that wait for a thread; more would wait longer than their clients do."""
MOST_BLOCK_DIGITS: Final = 19
CACHED_SECONDS: Final = 60
REFUSED: Final = "refused"
"""The endpoint, in the metrics, of requests that were refused before their path was looked at."""


class CachingFrontend:
    """An ASGI application that serves paths of Django's from a cache; belongs to one event loop.

    Django answers on `threads` threads, each with a database connection of its own. An answer is kept until the next
    commit, and not longer than `cached` seconds.
    """

    def __init__(
        self,
        commits: CommitWatcher,
        limit: RequestLimit,
        threads: int,
        longest_wait: float,
        cached: float = CACHED_SECONDS,
    ) -> None:
        self._commits = commits
        self._limit = limit
        self._longest_wait = longest_wait
        self._cached = cached
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")
        self._computing: dict[CacheKey, asyncio.Task[Answer]] = {}
        self._waiting = 0
        self._cache = caches["default"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        counted = self._limit.count(scope)
        answer = await self._answer(scope) if counted.allowed else _TOO_MANY
        if answer.tag is not None and _client_has(scope, answer.tag):
            kept = [header for header in answer.headers if not header[0].startswith(b"Content-")]
            answer = replace(answer, status=HTTPStatus.NOT_MODIFIED, headers=kept, body=b"")
        REQUESTS.labels(answer.endpoint, answer.status).inc()
        SECONDS.labels(answer.endpoint).observe(time.perf_counter() - started)
        headers = [*answer.headers, *counted.headers, *SECURITY_HEADERS]
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope) -> Answer:
        self._commits.start()
        await self._wait_for_block(scope["query_string"])
        latest = self._commits.latest
        if scope["method"] != "GET" or latest is None:
            return await self._run_django(scope)
        INDEXED.set(latest.block_number)
        key = (scope["path"].encode(), scope["query_string"], _accepts_gzip(scope), latest.revision)
        found: Answer | None = self._cache.get(_cache_name(key))
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
            if text.isascii() and text.isdecimal() and len(text) <= MOST_BLOCK_DIGITS:
                await self._commits.wait_for_block(int(text), self._longest_wait)

    async def _compute(self, key: CacheKey, scope: Scope) -> Answer:
        answer = await self._run_django(scope)
        if answer.block is not None:
            self._commits.advance(answer.block)
            if answer.status == HTTPStatus.OK:
                name = _cache_name((*key[:3], answer.block.revision))
                self._cache.set(name, replace(answer, block=None), self._cached)
        return answer

    async def _run_django(self, scope: Scope) -> Answer:
        if self._waiting >= MOST_WAITING:
            return _TOO_BUSY
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, respond, scope)
        finally:
            self._waiting -= 1


def _cache_name(key: CacheKey) -> str:
    """The name of a key in Django's cache, which takes short plain text."""
    return blake2b(msgspec.msgpack.encode(key), digest_size=16).hexdigest()


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for header, value in scope["headers"] if header == name), b"")


def _accepts_gzip(scope: Scope) -> bool:
    return bool(_header(scope, b"accept-encoding"))


def _client_has(scope: Scope, tag: str) -> bool:
    """Whether If-None-Match names this ETag (RFC 9110, weak comparison)."""
    known = [text.removeprefix("W/") for text in parse_etags(_header(scope, b"if-none-match").decode("latin-1"))]
    return "*" in known or tag.removeprefix("W/") in known


def _refusal(response: HttpResponse) -> Answer:
    return answer_of(response, REFUSED)


_TOO_MANY: Final = _refusal(problem(HTTPStatus.TOO_MANY_REQUESTS, "more requests than a minute may have"))
_TOO_BUSY: Final = _refusal(
    problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many wait already", headers={"Retry-After": "1"})
)
