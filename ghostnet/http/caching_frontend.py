"""The caching frontend: answers what it can in the event loop, and has Django compute the rest on threads.

Limits, waiting for a block, and cached answers need no thread; requests for the same answer share one computation.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from cachetools import TTLCache
from django.http import HttpResponse
from starlette.types import Receive, Scope, Send

from ghostnet.http.clients import client_of
from ghostnet.http.handler import Answer, answer_of, respond
from ghostnet.http.headers import SECURITY_HEADERS, latest_headers
from ghostnet.http.limits import ClientLimits
from ghostnet.http.metrics import HITS, INDEXED, MISSES, requests_of, seconds_of
from ghostnet.http.problems import problem
from ghostnet.http.queries import normal_query, without_block
from ghostnet.http.synchronous import NotSynchronous, must_be_synchronous
from ghostnet.http.threads import API_THREADS
from ghostnet.http.work_slots import BUSY, NoRoom, WorkSlots
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.commits import CommitWatcher

CacheKey = tuple[str, bytes, bool, int, str]
"""What an answer depends on: path, query, whether it may be compressed, and the state it shows, by its revision and its
block's hash: after a backup was restored, revisions come a second time."""

InMemoryAnswers = Callable[[str, bytes, bool, IndexedBlock], Answer | None]
"""Takes a request's path and query, in normal form, whether the answer may be compressed, and the last indexed block.
Returns the answer as of that block if it can be made from memory, else None."""

MAX_WAITING: Final = 1_000
"""Requests that wait for a thread; more would wait longer than their clients do."""
CACHED_SECONDS: Final = 60
CACHE_BYTES: Final = 64 << 20
REFUSED: Final = "refused"
"""The endpoint, in the metrics, of requests that were refused before their path was looked at."""


class CachingFrontend:
    """An ASGI application that serves paths of Django's from a cache; belongs to one event loop.

    `in_memory` makes some answers from memory; Django computes all others on `threads` threads, each with a database
    connection of its own. An answer is cached until the next commit, and for at most `cached` seconds; the cache has at
    most `cache_bytes`. Requests count against their client's limit if `counted`; the work of threads always counts.
    """

    def __init__(
        self,
        commits: CommitWatcher,
        limits: ClientLimits,
        threads: int,
        longest_wait: float,
        *,
        in_memory: InMemoryAnswers | None = None,
        counted: bool = True,
        cached: float = CACHED_SECONDS,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._commits = commits
        self._in_memory = in_memory
        self._limits = limits
        self._counted = counted
        self._longest_wait = longest_wait
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=API_THREADS)
        self._slots = WorkSlots(threads, limits.slots_each(threads), MAX_WAITING, limits.waiting_each(MAX_WAITING))
        self._computing: dict[CacheKey, asyncio.Task[Answer]] = {}
        self._cache: TTLCache[CacheKey, Answer] = TTLCache(cache_bytes, cached, getsizeof=_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        client = client_of(scope)
        answer = (
            self._admit_synchronously(scope, client) if must_be_synchronous(scope) else await self._admit(scope, client)
        )
        if answer.tag is not None and _client_has(scope, answer.tag):
            kept = [header for header in answer.headers if not header[0].startswith(b"Content-")]
            answer = replace(answer, status=HTTPStatus.NOT_MODIFIED, headers=kept, body=b"")
        requests_of(answer.endpoint, answer.status).inc()
        seconds_of(answer.endpoint).observe(time.perf_counter() - started)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            await self._limits.before_refusal(client)
        headers = [*answer.headers, *SECURITY_HEADERS]
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.block is None:
            headers += latest_headers(self._commits)
        if self._counted:
            headers += self._limits.headers(client)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            headers.append((b"Retry-After", b"%d" % self._limits.retry_after(client)))
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _admit_synchronously(self, scope: Scope, client: str) -> Answer:
        """The answer from the cache or memory. Raises NotSynchronous if there is none."""
        if self._commits.is_behind:
            raise NotSynchronous
        scope, block = normal_query(scope)
        latest = self._commits.latest
        if block is not None and latest is not None and latest.block_number >= block:
            scope = without_block(scope)
        key = self._key(scope)
        answer = None if key is None else self._cache.get(key) or self._known(key)
        if answer is None or (block is not None and answer.block is not None and answer.block.block_number < block):
            raise NotSynchronous
        if self._counted and not self._limits.take_request(client):
            raise NotSynchronous  # refusals may have to wait
        HITS.inc()
        return answer

    async def _admit(self, scope: Scope, client: str) -> Answer:
        if self._counted and not self._limits.take_request(client):
            return _TOO_MANY
        self._commits.start()
        scope, block = normal_query(scope)
        if block is not None:
            await self._commits.wait_for_block(block, self._longest_wait)
        await self._commits.catch_up()
        try:
            return await self._answer_from(block, scope, client)
        except NoRoom as error:
            return _TOO_MANY_AT_ONCE if error.of_client else _TOO_BUSY

    async def _answer_from(self, block: int | None, scope: Scope, client: str) -> Answer:
        """The answer as of `block` or later; if that is reached, requests with and without a block share answers."""
        latest = self._commits.latest
        if block is not None and latest is not None and latest.block_number >= block:
            answer = await self._answer(without_block(scope), client)
            if answer.block is None or answer.block.block_number >= block:
                return answer  # else a reorg has just removed the block
        return await self._answer(scope, client)

    async def _answer(self, scope: Scope, client: str) -> Answer:
        """A cached answer, the result of a running computation, or a new one, computed in a slot of this client.

        Raises NoRoom.
        """
        key = self._key(scope)
        if (found := self._find(key)) is not None:
            return await _completed(found)
        if (known := self._known(key)) is not None:
            HITS.inc()
            return known
        await self._slots.take(client)
        key = self._key(scope)  # of a newer state perhaps
        if (found := self._find(key)) is not None or not self._limits.may_work(client):
            self._slots.give_back(client)
            return _TOO_MUCH if found is None else await _completed(found)
        task = asyncio.get_running_loop().create_task(self._compute(key, scope, client))
        if key is not None:
            MISSES.inc()
            self._computing[key] = task
            task.add_done_callback(lambda _: self._computing.pop(key))
        return await asyncio.shield(task)

    def _key(self, scope: Scope) -> CacheKey | None:
        """The key of an answer in the cache; None if it can't be shared."""
        latest = self._commits.latest
        if scope["method"] != "GET" or latest is None:
            return None
        INDEXED.set(latest.block_number)
        return scope["path"], scope["query_string"], _accepts_gzip(scope), latest.revision, latest.block_hash

    def _find(self, key: CacheKey | None) -> Answer | asyncio.Task[Answer] | None:
        """The answer from the cache, or its computation that is running."""
        found = None if key is None else self._cache.get(key) or self._computing.get(key)
        if found is not None:
            HITS.inc()
        return found

    def _known(self, key: CacheKey | None) -> Answer | None:
        """The answer from memory, if there is one. It is not cached, since making it is as fast as a cache lookup."""
        latest = self._commits.latest
        if key is None or latest is None or self._in_memory is None:
            return None
        return self._in_memory(*key[:3], latest)

    async def _compute(self, key: CacheKey | None, scope: Scope, client: str) -> Answer:
        """Compute Django's answer on a thread, then give back the client's slot."""
        try:
            context = copy_context().run
            answer, seconds = await asyncio.get_running_loop().run_in_executor(self._threads, context, _timed, scope)
            self._limits.charge(client, seconds)
        finally:
            self._slots.give_back(client)
        if key is not None:
            if answer.block is not None:
                self._commits.advance(answer.block)
                key = (*key[:3], answer.block.revision, answer.block.block_hash)
            if answer.status == HTTPStatus.OK and answer.may_be_kept and _size(answer) <= self._cache.maxsize:
                self._cache[key] = answer
        return answer


async def _completed(found: Answer | asyncio.Task[Answer]) -> Answer:
    """An answer, or the result of a computation, which continues if the caller is cancelled."""
    return found if isinstance(found, Answer) else await asyncio.shield(found)


def _timed(scope: Scope) -> tuple[Answer, float]:
    started = time.perf_counter()
    return respond(scope), time.perf_counter() - started


def _size(answer: Answer) -> int:
    """The approximate number of bytes that an answer takes in the cache."""
    return len(answer.body) + 2_000


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for header, value in scope["headers"] if header == name), b"")


def _accepts_gzip(scope: Scope) -> bool:
    return bool(_header(scope, b"accept-encoding"))


def _client_has(scope: Scope, tag: str) -> bool:
    """Whether If-None-Match names this ETag, or any (RFC 9110, weak comparison). No tag holds a quote inside of it, so
    the list, which may be of thousands, need not be taken apart."""
    header = _header(scope, b"if-none-match")
    return header.strip() == b"*" or tag.removeprefix("W/").encode("latin-1") in header


def _refusal(response: HttpResponse) -> Answer:
    return answer_of(response, REFUSED)


_TOO_MANY: Final = _refusal(problem(HTTPStatus.TOO_MANY_REQUESTS, "the limit of requests per minute is exceeded"))
_TOO_MUCH: Final = _refusal(problem(HTTPStatus.TOO_MANY_REQUESTS, "the limit of computing time per minute is exceeded"))
_TOO_MANY_AT_ONCE: Final = _refusal(problem(HTTPStatus.TOO_MANY_REQUESTS, "too many requests at once"))
_TOO_BUSY: Final = _refusal(problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, headers={"Retry-After": "1"}))
