"""JSON-RPC over HTTP to a list of nodes: batches, retries, failover, rate limits."""

import asyncio
import logging
import time
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import msgspec

from indexer.base.retry import MAX_PAUSE_SECONDS, Backoff
from indexer.chain.answers import BatchRefused, Call, Decoder, decoder_of, results_of
from indexer.chain.block_reference import json_params
from indexer.chain.errors import (
    Denied,
    Disconnected,
    Inconsistent,
    MethodNotFound,
    NodeError,
    NodeUnreachable,
    Pruned,
    RangeTooLarge,
    RateLimited,
    RpcError,
    TimedOut,
    TooLarge,
    Unavailable,
)
from indexer.chain.limiter import Limiter
from indexer.chain.nodes import REFUSED_SECONDS, STATELESS_SECONDS, Node, Nodes
from indexer.chain.proof import PROOF_KIND, Proof, number_of
from indexer.chain.refusals import STATE_METHOD, is_range, is_refused, lacks_state, of_range, refuses_block_hash
from indexer.chain.transport import Transport

logger = logging.getLogger(__name__)

T = TypeVar("T")

MALFORMED_TRIES: Final = 2
PROOF_SECONDS: Final = 5.0
"""How long a node may take to prove itself while another one is ready."""
MAX_REFUSALS: Final = 8
"""Refusals of essential calls, over about 20 s, after which a node that answers other calls is given up: until then
one of the machines behind its load balancer may be faulty."""
_ESSENTIAL: Final = {
    "eth_blockNumber", "eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getLogs",
    "eth_getTransactionByHash",
}  # fmt: skip
"""What every node must serve; one that does not is of no use."""


@dataclass(slots=True)
class Meter:
    """Counts the bytes of the answers that one piece of work needed."""

    bytes: int = 0


@dataclass(slots=True)
class _Attempts:
    """The attempts at one request: when to give up, how long to pause, and which nodes have refused it for good.

    `is_essential`: they refused what every node must serve, so that the others are waited for.
    """

    deadline: float | None
    number: int = 0
    malformed: int = 0
    refusals: int = 0
    pauses: Backoff = field(default_factory=Backoff)
    refused: set[Node] = field(default_factory=set)
    is_essential: bool = False


class NodeClient:
    """Asks the first node that works, in the order given.

    What may pass (no answer, 5xx, 429, an answer that is no JSON-RPC) is tried again with growing pauses, on the next
    node if there is one, for `patience` seconds (None: for ever); a result of a wrong type once more only. What one
    node refuses for good is tried on the others; the refusal of the last one is raised. With a `proof` each node must
    give it before it is used, and after each failure.
    """

    def __init__(self, urls: Sequence[str], patience: float | None = None, proof: Proof | None = None) -> None:
        self._nodes = Nodes(urls)
        self._patience = patience
        self._proof = proof
        self._limiter = Limiter()
        self._next_id = 0
        self._transport = Transport()

    async def __aenter__(self) -> "NodeClient":
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

    @property
    def has_several_nodes(self) -> bool:
        """Whether there is another node to turn to."""
        return len(self._nodes.all) > 1

    @property
    def proofs(self) -> int:
        """How often nodes have proven themselves: when it rises, another node may have come into use."""
        return self._nodes.proofs

    @property
    def asks_by_number(self) -> bool:
        """Whether a node takes a block's number only where a call names its block (see `BlockParam`)."""
        return any(node.by_number for node in self._nodes.all)

    @property
    def disproven(self) -> list[str]:
        """The nodes that are not used because they do not serve the indexed chain, each with the reason."""
        return self._nodes.disproven

    def expect(self, proof: Proof, *, anew: bool = False) -> None:
        """Require this proof of each node before it is used; `anew`: also of nodes that have already given one."""
        self._proof = proof
        if anew:
            self._nodes.ask_for_proof()

    def turn_away(self, why: str) -> None:
        """Pause the current node if another one is ready: its answers are well-formed but inconsistent."""
        node = self._nodes.preferred
        if self._nodes.others({node}, ready=True):
            logger.warning("node %s rests for %.0f s: %s", node.name, REFUSED_SECONDS, why)
            node.pause_for(REFUSED_SECONDS)

    def prefer(self, url: str) -> None:
        """Ask the node at this address before the others."""
        self._nodes.all.sort(key=lambda node: node.url != url)

    def each(self, patience: float) -> "dict[str, NodeClient]":
        """By address a client of each node alone, to compare what they say; the caller opens and closes it."""
        return {node.url: NodeClient([node.url], patience, self._proof) for node in self._nodes.all}

    async def call(self, method: str, params: list[Any], kind: type[T]) -> T:
        """The result of one call, read as `kind`.

        Raises RpcError, Inconsistent if the result is of another kind, WrongChain, NodeUnreachable when patience ends.
        """
        (result,) = await self.batch([(method, params)], kind)
        if isinstance(result, RpcError):
            raise result
        if result is None:
            raise Inconsistent(f"{method}: no result")
        return result

    async def number(self, method: str) -> int:
        """The result of a call without parameters that answers with a number in hex; raises what `call` raises."""
        return number_of(await self.call(method, [], str), method)

    async def batch(
        self, calls: Sequence[Call], kind: type[T], meter: Meter | None = None
    ) -> list[T | RpcError | None]:
        """The results of many calls, in order, each read as `kind`; `meter` counts their bytes.

        None stands for `null`; a call that was refused for good gives its RpcError as result. Raises Inconsistent if
        a result is of another kind, Denied or WrongChain if no node can be used, NodeUnreachable when patience ends.
        """
        decoder, size = decoder_of(cast("Hashable", kind)), self._nodes.preferred.calls_a_request
        meter = meter or Meter()
        if self._nodes.without_state() and len({call[0] == STATE_METHOD for call in calls}) > 1:
            return await self._state_apart(calls, size, decoder, meter)
        return await self._in_parts(calls, size, decoder, meter)

    async def _state_apart(self, calls: Sequence[Call], size: int, decoder: Decoder, meter: Meter) -> list[Any]:
        """Send `eth_call`s and the other calls in separate requests, as they may go to different nodes."""
        groups: tuple[list[Call], list[Call]] = [], []
        for call in calls:
            groups[call[0] == STATE_METHOD].append(call)
        others, states = await asyncio.gather(*(self._in_parts(group, size, decoder, meter) for group in groups))
        answers = iter(others), iter(states)
        return [next(answers[call[0] == STATE_METHOD]) for call in calls]

    async def _in_parts(self, calls: Sequence[Call], size: int, decoder: Decoder, meter: Meter) -> list[Any]:
        """Send calls in requests of at most `size` calls each."""
        if 0 < len(calls) <= size:
            return await self._until_answered(calls, decoder, meter)
        parts = [calls[start : start + size] for start in range(0, len(calls), size)]
        answers = await asyncio.gather(*(self._until_answered(part, decoder, meter) for part in parts))
        return [result for answer in answers for result in answer]

    async def _until_answered(self, calls: Sequence[Call], decoder: Decoder, meter: Meter) -> list[Any]:
        """Send calls until each has its answer; send again those that failed temporarily or that another node may
        serve."""
        results: list[Any] = [None] * len(calls)
        open_calls = list(range(len(calls)))
        attempts = _Attempts(None if self._patience is None else time.monotonic() + self._patience)
        if calls[0][0] == STATE_METHOD:
            attempts.refused |= self._nodes.without_state()
        while open_calls:
            node = await self._nodes.choose(attempts.refused, attempts.deadline)
            asked, by_number = [calls[index] for index in open_calls], node.by_number
            try:
                answer = await self._answer_of(node, asked, decoder, meter)
            except BatchRefused:
                if len(asked) <= node.calls_a_request:
                    node.record_refused_calls(len(asked))
                return await self._in_parts(calls, node.calls_a_request, decoder, meter)
            except NodeError as error:
                if not (isinstance(error, TimedOut) and self._leaves_to_others(node, attempts.refused)):
                    if isinstance(error, TooLarge | TimedOut) and (len(calls) > 1 or is_range(calls[0])):
                        return await self._in_halves(calls, decoder, meter, error)
                    self._note_failure(node, error, attempts)
                answer = None
            if answer is None:
                open_calls = self._without_refused(open_calls, results, attempts)
                continue
            node.record_success(len(asked))
            for index, result in zip(open_calls, answer, strict=True):
                results[index] = of_range(result, calls[index])
            node.serves |= any(not isinstance(results[index], NodeError) for index in open_calls)
            refused_hashes = (
                [] if by_number else [index for index in open_calls if refuses_block_hash(results[index], calls[index])]
            )
            if refused_hashes:
                node.record_numbers_only(results[refused_hashes[0]].message)
            others = [index for index in open_calls if index not in refused_hashes] if refused_hashes else open_calls
            left = sorted([*refused_hashes, *self._left(node, attempts, calls, results, others)])
            if left == open_calls and len(calls) > 1 and isinstance(results[left[0]], TooLarge):
                return await self._in_halves(calls, decoder, meter, results[left[0]])
            open_calls = left
        return results

    def _left(
        self, node: Node, attempts: _Attempts, calls: Sequence[Call], results: Sequence[Any], asked: Sequence[int]
    ) -> list[int]:
        """The indices of the calls to send again: those that failed temporarily or that another node may serve."""
        passing = [index for index in asked if isinstance(results[index], Unavailable | RateLimited)]
        rest = [index for index in asked if isinstance(results[index], TooLarge)] if len(asked) > 1 else []
        refused = [index for index in asked if index not in rest and is_refused(results[index], calls[index])]
        if any(lacks_state(results[index], calls[index]) for index in refused):
            node.stateless_until = time.monotonic() + STATELESS_SECONDS
        if refused and not self._is_asked_again(node, attempts, results[refused[0]], calls[refused[0]]):
            refused = []
        if passing:
            self._note_failure(node, results[passing[0]], attempts, answered=True)
        else:
            self._limiter.record_success()
        return sorted({*passing, *rest, *refused})

    def _without_refused(self, asked: list[int], results: Sequence[Any], attempts: _Attempts) -> list[int]:
        """The indices of the calls to send to the next node, after this one failed: all of them if another node is
        still worth waiting for, else those that no node has refused."""
        if not attempts.refused or (attempts.is_essential and self._nodes.others(attempts.refused, ready=False)):
            return asked
        attempts.refused.clear()
        return [index for index in asked if not isinstance(results[index], RpcError | str)]

    def _is_asked_again(self, node: Node, attempts: _Attempts, refusal: NodeError, call: Call | None = None) -> bool:
        """Whether to send again a call, or a whole request, that a node refused for good: to another node, or to this
        one if it has served other calls. A node that refuses an essential call is paused."""
        attempts.refused.add(node)
        must_be_served = call is None or call[0] in _ESSENTIAL
        attempts.is_essential = must_be_served and isinstance(refusal, Denied | Pruned | MethodNotFound)
        if attempts.is_essential and self.has_several_nodes:
            logger.warning("node %s rests for %.0f s: %s", node.name, REFUSED_SECONDS, refusal.message)
            node.pause_for(REFUSED_SECONDS)
        if self._nodes.others(attempts.refused, ready=not attempts.is_essential):
            return True
        attempts.refused.clear()
        attempts.refusals += 1
        if not (attempts.is_essential and node.serves and attempts.refusals < MAX_REFUSALS):
            return False
        logger.warning("node %s refuses what it must serve: %s", node.name, refusal.message)
        node.pause_for(attempts.pauses.pause())
        return True

    async def _in_halves(self, calls: Sequence[Call], decoder: Decoder, meter: Meter, error: NodeError) -> list[Any]:
        """Split a request whose answers together were too large into two. Raises RangeTooLarge if a call is for a range
        of blocks, which the caller has to split."""
        if any(is_range(call) for call in calls):
            raise RangeTooLarge("eth_getLogs", error.message) from error
        middle = len(calls) // 2
        halves = (calls[:middle], calls[middle:])
        first, second = [await self._until_answered(half, decoder, meter) for half in halves]
        return first + second

    async def _answer_of(self, node: Node, asked: Sequence[Call], decoder: Decoder, meter: Meter) -> list[Any] | None:
        """A node's answer; None if the node can't be used: it serves another chain, or was paused in the meantime."""
        if not await self._is_proven(node):
            return None
        async with self._limiter:
            return None if node.ready_at > time.monotonic() else await self._post(node, asked, decoder, meter)

    async def _is_proven(self, node: Node) -> bool:
        """Request a node's proof if it has not given one; False if it has not proven itself. Raises NodeError."""
        if self._proof is None or node.is_proven:
            return True
        async with node.proving:
            proof = self._proof
            if node.is_proven or node.ready_at > time.monotonic():
                return node.is_proven
            try:
                answers = await self._proof_of(node, proof)
            except TimedOut as error:
                if self._leaves_to_others(node):
                    return False
                raise Unavailable(error.message) from error  # which says nothing of the calls that wait for the proof
            node.record_success(len(proof.calls))
            disproof = proof.disproof(answers)
            if disproof is not None:
                self._nodes.disprove(node, disproof)
            else:
                self._nodes.prove(node)
            return disproof is None

    async def _proof_of(self, node: Node, proof: Proof) -> list[Any]:
        """A node's answers to the proof's calls; the timeout is short where another node is ready."""
        decoder, meter = decoder_of(PROOF_KIND), Meter()
        seconds = PROOF_SECONDS if self._nodes.others({node}, ready=True) else None
        async with self._limiter:
            try:
                return await self._post(node, proof.calls, decoder, meter, seconds)
            except BatchRefused:
                return [(await self._post(node, [call], decoder, meter, seconds))[0] for call in proof.calls]

    def _leaves_to_others(self, node: Node, refused: Collection[Node] = ()) -> bool:
        """Whether another node is ready that has not refused; if so, pause this one, which did not answer in time."""
        if not self._nodes.others({node, *refused}, ready=True):
            return False
        logger.warning("node %s rests for %.0f s: it did not answer in time", node.name, REFUSED_SECONDS)
        node.record_timeout(REFUSED_SECONDS)
        return True

    def _note_failure(self, node: Node, error: NodeError, attempts: _Attempts, *, answered: bool = False) -> None:
        """Pause a node that failed; `answered`: it answered some of the calls.

        Raises NodeUnreachable or RateLimited at the deadline, and `error` if no other try can help.
        """
        attempts.number += 1
        attempts.malformed += isinstance(error, Inconsistent)
        left = MAX_PAUSE_SECONDS if attempts.deadline is None else attempts.deadline - time.monotonic()
        if isinstance(error, RpcError):
            if not self._is_asked_again(node, attempts, error):
                raise error
        elif attempts.malformed == MALFORMED_TRIES:
            raise error
        elif left < 0:
            if isinstance(error, RateLimited):
                raise error
            raise NodeUnreachable(f"{node.name} does not answer: {error.message}") from error
        elif isinstance(error, RateLimited):
            self._limiter.record_refusal()
            pause = error.retry_after if error.retry_after is not None else attempts.pauses.pause()
            node.pause_for(min(pause, left, MAX_PAUSE_SECONDS))
        elif answered or isinstance(error, Inconsistent):
            node.pause_for(min(attempts.pauses.pause(), left))
        else:
            node.record_failure(left)
        if attempts.number in (3, 10) or attempts.number % 50 == 0:
            logger.warning("node %s: %s (%d attempts so far)", node.name, error.message, attempts.number)

    async def _post(
        self, node: Node, calls: Sequence[Call], decoder: Decoder, meter: Meter, seconds: float | None = None
    ) -> list[Any]:
        """Send one HTTP request with a timeout in seconds; return the results of its calls.

        Raises BatchRefused or a NodeError if it has none.
        """
        if len(calls) > node.calls_a_request:
            raise BatchRefused
        first_id = self._next_id
        self._next_id += len(calls)
        requests = [
            {"jsonrpc": "2.0", "id": first_id + index, "method": method, "params": json_params(params, node.by_number)}
            for index, (method, params) in enumerate(calls)
        ]
        body = msgspec.json.encode(requests if len(requests) > 1 else requests[0])
        try:
            reply = await self._transport.post(node, body, calls[0][0], seconds)
        except Disconnected:
            if node.record_cut_off(len(calls)):
                raise BatchRefused from None
            raise
        meter.bytes += len(reply.body)
        return results_of(reply, node, decoder, calls, first_id)
