"""JSON-RPC over HTTP to a list of nodes: batches, retries, failover, rate limits."""

import asyncio
import logging
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import urlsplit

import aiohttp
import msgspec

from indexer.base.redaction import Mask
from indexer.base.retry import LONGEST_SECONDS, Backoff
from indexer.chain.errors import (
    Inconsistent,
    NodeError,
    NodeUnreachable,
    RangeTooLarge,
    RateLimited,
    RpcError,
    TimedOut,
    TooLarge,
    Unavailable,
    rpc_error,
)

logger = logging.getLogger(__name__)

Call = tuple[str, list[Any]]
T = TypeVar("T")

REQUEST_SECONDS: Final = 30.0
MOST_AT_ONCE: Final = 16
MALFORMED_TRIES: Final = 2
CALLS_A_REQUEST: Final = 100


class _Answer(msgspec.Struct, Generic[T]):
    """One JSON-RPC answer."""

    id: Any = None
    result: T | msgspec.UnsetType | None = msgspec.UNSET
    error: Any = None


_Decoder = msgspec.json.Decoder[Any]


@cache
def _decoder(kind: Any) -> _Decoder:
    """Parses answers whose results are of this kind, and skips what we don't read, in one pass."""
    return msgspec.json.Decoder(_Answer[kind] | list[_Answer[kind]])


@dataclass(slots=True)
class Meter:
    """Counts the bytes of the answers that one piece of work needed."""

    bytes: int = 0


class _BatchRefused(Exception):
    """The node does not take so many calls in one request."""


@dataclass(slots=True)
class _Node:
    url: str
    backoff: Backoff = field(default_factory=Backoff)
    ready_at: float = 0.0
    mask: Mask = field(init=False)
    """Refusals may repeat the key that our address holds; they are told, logged and stored."""

    def __post_init__(self) -> None:
        self.mask = Mask([self.url])

    @property
    def name(self) -> str:
        """The host only: addresses may hold keys."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


class _Limiter:
    """At most so many requests at once: fewer after each refusal, slowly more again."""

    def __init__(self) -> None:
        self._allowed: float = MOST_AT_ONCE
        self._active = 0
        self._freed = asyncio.Condition()

    async def __aenter__(self) -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._active < max(1, int(self._allowed)))
            self._active += 1

    async def __aexit__(self, *exception: object) -> None:
        async with self._freed:
            self._active -= 1
            self._freed.notify_all()

    def refused(self) -> None:
        self._allowed = max(1.0, self._allowed / 2)

    def succeeded(self) -> None:
        self._allowed = min(MOST_AT_ONCE, self._allowed + 0.05)


class NodeClient:
    """Asks the first node that works, in the order given.

    What may pass (no answer, 5xx, 429, an answer that is no JSON-RPC) is tried again with growing pauses, on the next
    node if there is one, for `patience` seconds (None: for ever); a result of a wrong type once more only. What the
    node refuses for good is raised.
    """

    def __init__(self, urls: Sequence[str], patience: float | None = None) -> None:
        self._nodes = [_Node(url) for url in urls]
        self._patience = patience
        self._limiter = _Limiter()
        self._calls_a_request = CALLS_A_REQUEST
        self._next_id = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "NodeClient":
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
            read_bufsize=1 << 20,
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def call(self, method: str, params: list[Any], kind: type[T]) -> T:
        """The result of one call, read as `kind`.

        Raises RpcError, Inconsistent if the result is of another kind, NodeUnreachable when patience ends.
        """
        (result,) = await self.batch([(method, params)], kind)
        if isinstance(result, RpcError):
            raise result
        if result is None:
            raise Inconsistent(f"{method}: no result")
        return result

    async def number(self, method: str) -> int:
        """The result of a call without parameters that answers with a number in hex; raises what `call` raises."""
        answer = await self.call(method, [], str)
        try:
            return int(answer, 16)
        except ValueError as error:
            raise Inconsistent(f"{method}: {answer!r} is no number") from error

    async def batch(
        self, calls: Sequence[Call], kind: type[T], meter: Meter | None = None
    ) -> list[T | RpcError | None]:
        """The results of many calls, in order, each read as `kind`; `meter` counts their bytes.

        None stands for `null`; a call that was refused for good gives its RpcError as result. Raises Inconsistent if
        a result is of another kind, NodeUnreachable when patience ends.
        """
        return await self._in_parts(calls, _decoder(cast("Hashable", kind)), meter or Meter())

    async def _in_parts(self, calls: Sequence[Call], decoder: _Decoder, meter: Meter) -> list[Any]:
        """Send calls in as many requests as the node wants."""
        size = self._calls_a_request
        parts = [calls[start : start + size] for start in range(0, len(calls), size)]
        answers = await asyncio.gather(*(self._until_answered(part, decoder, meter) for part in parts))
        return [result for answer in answers for result in answer]

    async def _until_answered(self, calls: Sequence[Call], decoder: _Decoder, meter: Meter) -> list[Any]:
        """Send calls until each has its answer; those that failed for now are sent again without the others."""
        results: list[Any] = [None] * len(calls)
        open_calls = list(range(len(calls)))
        started, attempt = time.monotonic(), 0
        while open_calls:
            node = await self._ready_node()
            try:
                async with self._limiter:
                    answer = await self._post(node, [calls[index] for index in open_calls], decoder, meter)
            except _BatchRefused:
                self._calls_a_request = max(1, len(open_calls) // 2)
                return await self._in_parts(calls, decoder, meter)
            except TooLarge as error:
                return await self._in_halves(calls, decoder, meter, error)
            except (Unavailable, RateLimited, Inconsistent) as error:
                if isinstance(error, TimedOut) and (len(calls) > 1 or _is_range(calls)):
                    return await self._in_halves(calls, decoder, meter, error)
                attempt += 1
                if isinstance(error, Inconsistent) and attempt == MALFORMED_TRIES:
                    raise
                self._note_failure(node, error, attempt, started)
                continue
            failed = [result for result in answer if isinstance(result, Unavailable | RateLimited)]
            for index, result in zip(open_calls, answer, strict=True):
                results[index] = result
            open_calls = [index for index in open_calls if isinstance(results[index], Unavailable | RateLimited)]
            if failed:
                attempt += 1
                self._note_failure(node, failed[0], attempt, started)
            else:
                node.backoff.reset()
                self._limiter.succeeded()
        return results

    async def _in_halves(self, calls: Sequence[Call], decoder: _Decoder, meter: Meter, error: NodeError) -> list[Any]:
        """Send calls, whose answers together were too much, as two requests; a range of blocks alone is to be halved
        by who asked for it. Raises RangeTooLarge, and `error` for another call that is too large by itself."""
        if any(_is_range([call]) for call in calls):
            raise RangeTooLarge("eth_getLogs", error.message) from error
        if len(calls) == 1:
            raise error
        middle = len(calls) // 2
        halves = (calls[:middle], calls[middle:])
        first, second = [await self._until_answered(half, decoder, meter) for half in halves]
        return first + second

    async def _ready_node(self) -> _Node:
        """The first node that is not resting after a failure, or the one that is ready first."""
        now = time.monotonic()
        for node in self._nodes:
            if node.ready_at <= now:
                return node
        node = min(self._nodes, key=lambda resting: resting.ready_at)
        await asyncio.sleep(node.ready_at - now)
        return node

    def _note_failure(self, node: _Node, error: NodeError, attempt: int, started: float) -> None:
        left = LONGEST_SECONDS if self._patience is None else self._patience - (time.monotonic() - started)
        if left < 0:
            raise NodeUnreachable(f"{node.name} does not answer: {error.message}") from error
        if isinstance(error, Inconsistent):
            node.backoff.reset()
        pause = node.backoff.pause()
        if isinstance(error, RateLimited):
            self._limiter.refused()
            pause = error.retry_after if error.retry_after is not None else pause
        node.ready_at = time.monotonic() + min(pause, left, LONGEST_SECONDS)
        if attempt in (3, 10) or attempt % 50 == 0:
            logger.warning("node %s: %s (%d attempts so far)", node.name, error.message, attempt)

    async def _post(self, node: _Node, calls: Sequence[Call], decoder: _Decoder, meter: Meter) -> list[Any]:
        """One HTTP request. Raises Unavailable, RateLimited, TooLarge, or _BatchRefused if only the number of calls is
        wrong."""
        assert self._session is not None
        first_id = self._next_id
        self._next_id += len(calls)
        requests = [
            {"jsonrpc": "2.0", "id": first_id + index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        body = msgspec.json.encode(requests if len(requests) > 1 else requests[0])
        try:
            async with self._session.post(
                node.url, data=body, headers={"Content-Type": "application/json"}
            ) as response:
                if response.status == 413 and len(calls) > 1:
                    raise _BatchRefused
                raw = await response.read()
                meter.bytes += len(raw)
                if response.status >= 400:
                    _raise_refusal(calls[0][0], response.status, raw, response.headers.get("Retry-After"))
                if not raw:
                    raise Unavailable(f"HTTP status {response.status} without an answer")
        except TimeoutError as error:
            raise TimedOut(f"no answer within {REQUEST_SECONDS:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(_reason(error)) from error
        if b'"error"' in raw:
            raw = node.mask(raw.decode(errors="replace")).encode()
        return _results(raw, decoder, calls, first_id)


def _results(raw: bytes, decoder: _Decoder, calls: Sequence[Call], first_id: int) -> list[Any]:
    """Match an answer to its calls by id; each result is what its kind says, None, or an error."""
    try:
        answer = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Inconsistent(f"{calls[0][0]}: malformed result ({error})") from error
    except msgspec.DecodeError as error:
        raise Unavailable(f"the answer is not JSON ({error})") from error
    if isinstance(answer, _Answer):
        if len(calls) > 1 and answer.error is not None:
            refusal = rpc_error("batch", answer.error)
            if isinstance(refusal, RateLimited | Unavailable | TooLarge):
                raise refusal
            raise _BatchRefused
        if answer.error is not None:
            answer.id = first_id
        answer = [answer]
    by_id = {item.id: item for item in answer}
    return [_result(by_id.get(first_id + index), method) for index, (method, _) in enumerate(calls)]


def _result(answer: _Answer[Any] | None, method: str) -> Any:
    if answer is None or (answer.error is None and answer.result is msgspec.UNSET):
        raise Unavailable(f"no answer to {method}")
    return answer.result if answer.error is None else rpc_error(method, answer.error)


def _raise_refusal(method: str, status: int, raw: bytes, retry_after: str | None) -> None:
    """Raise what an answer with an HTTP status of failure says, if it says it in JSON-RPC, else what its status says.

    MegaETH sends its errors so, with the statuses 400, 403, 429 and 500. Returns where the answer's own error is to be
    read as that of one call.
    """
    try:
        answer = msgspec.json.decode(raw, type=_Answer[Any])
    except msgspec.MsgspecError:
        answer = _Answer[Any]()
    if answer.error is not None:
        refusal = rpc_error(method, answer.error)
        if isinstance(refusal, RateLimited) and refusal.retry_after is None:
            refusal.retry_after = _retry_after(retry_after)
        if isinstance(refusal, RateLimited | TooLarge | Unavailable) or status != 500:
            if not isinstance(refusal, RpcError) or isinstance(refusal, TooLarge):
                raise refusal
            return
    if status == 429:
        raise RateLimited("too many requests (429)", _retry_after(retry_after))
    raise Unavailable(f"HTTP status {status}")


def _is_range(calls: Sequence[Call]) -> bool:
    """Whether a request asks for the logs of several blocks, and could ask for fewer."""
    method, params = calls[0]
    return method.startswith("eth_getLogs") and params[0].get("fromBlock") != params[0].get("toBlock")


def _reason(error: Exception) -> str:
    """What went wrong, without the address: it may hold a key."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else type(error).__name__


def _retry_after(text: str | None) -> float | None:
    try:
        return min(LONGEST_SECONDS, max(0.0, float(text))) if text else None
    except ValueError:
        return None
