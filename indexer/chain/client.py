"""JSON-RPC over HTTP to a list of nodes: batches, retries, failover, rate limits."""

import logging
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec

from indexer.base.gathering import gathered
from indexer.chain.answers import BatchRefused, Call, Decoder, decoder_of, results_of
from indexer.chain.block_reference import json_params
from indexer.chain.errors import (
    Disconnected,
    Inconsistent,
    NodeError,
    RangeTooLarge,
    RpcError,
    TimedOut,
    TooLarge,
    Unavailable,
)
from indexer.chain.failover import Failover, Request
from indexer.chain.limiter import Limiter
from indexer.chain.nodes import REFUSED_SECONDS, Node, Nodes
from indexer.chain.proof import PROOF_KIND, Proof, number_of
from indexer.chain.refusals import STATE_METHOD, asks_too_much, is_range
from indexer.chain.transport import Transport

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROOF_SECONDS: Final = 5.0
"""How long a node may take to prove itself while another one is ready."""


@dataclass(slots=True)
class Meter:
    """Counts the bytes of the answers that one piece of work needed."""

    bytes: int = 0


class NodeClient:
    """Asks the first node that works, in the order given.

    What may pass (no answer, 5xx, 429, an answer that is no JSON-RPC) is tried again with growing pauses, on the next
    node if there is one, for `patience` seconds (None: for ever); a result of a wrong type once more only. What one
    node refuses for good is tried on the others; the refusal of the last one is raised. With a `proof` each node must
    give it before it is used, and after each failure.

    Belongs to one event loop; `expect`, `prefer` and `disproven` may be called from another thread.
    """

    def __init__(self, urls: Sequence[str], patience: float | None = None, proof: Proof | None = None) -> None:
        self._nodes = Nodes(urls)
        self._patience = patience
        self._proof = proof
        self._limiter = Limiter()
        self._failover = Failover(self._nodes, self._limiter)
        self._next_id = 0
        self._transport = Transport()

    async def __aenter__(self) -> "NodeClient":
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

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
        # Not sorted in place: meanwhile the list would be empty, for the event loop's thread too.
        self._nodes.all = sorted(self._nodes.all, key=lambda node: node.url != url)

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
        others, states = await gathered(*(self._in_parts(group, size, decoder, meter) for group in groups))
        answers = iter(others), iter(states)
        return [next(answers[call[0] == STATE_METHOD]) for call in calls]

    async def _in_parts(self, calls: Sequence[Call], size: int, decoder: Decoder, meter: Meter) -> list[Any]:
        """Send calls in requests of at most `size` calls each."""
        if 0 < len(calls) <= size:
            return await self._until_answered(calls, decoder, meter)
        parts = [calls[start : start + size] for start in range(0, len(calls), size)]
        answers = await gathered(*(self._until_answered(part, decoder, meter) for part in parts))
        return [result for answer in answers for result in answer]

    async def _until_answered(self, calls: Sequence[Call], decoder: Decoder, meter: Meter) -> list[Any]:
        """Send calls until each has its answer; send again those that failed temporarily or that another node may
        serve."""
        request = Request(calls, None if self._patience is None else time.monotonic() + self._patience)
        if calls[0][0] == STATE_METHOD:
            request.refused |= self._nodes.without_state()
        while request.left:
            node = await self._nodes.choose(request.refused, request.deadline)
            left, by_number = request.left, node.by_number
            try:
                answers = await self._answers_of(node, [calls[index] for index in left], decoder, meter)
            except BatchRefused:
                if len(left) <= node.calls_a_request:
                    node.record_refused_calls(len(left))
                return await self._in_parts(calls, node.calls_a_request, decoder, meter)
            except NodeError as error:
                is_left = isinstance(error, TimedOut) and self._failover.leaves_to_others(node, request.refused)
                if asks_too_much(error, calls, request.attempts) and not is_left:
                    return await self._in_halves(calls, decoder, meter, error)
                if not (is_left or self._failover.is_tried_again(node, error, request)):
                    return [error]
                answers = None
            if answers is None:
                self._failover.accept_refusals(request)
                continue
            self._failover.take_answers(node, request, answers, by_number=by_number)
            if request.left == left and len(calls) > 1 and isinstance(request.results[left[0]], TooLarge):
                return await self._in_halves(calls, decoder, meter, request.results[left[0]])
        return request.results

    async def _in_halves(self, calls: Sequence[Call], decoder: Decoder, meter: Meter, error: NodeError) -> list[Any]:
        """Split a request whose answers together were too large into two. Raises RangeTooLarge if a call is for a range
        of blocks, which the caller has to split."""
        if any(is_range(call) for call in calls):
            raise RangeTooLarge("eth_getLogs", error.message) from error
        middle = len(calls) // 2
        halves = (calls[:middle], calls[middle:])
        first, second = [await self._until_answered(half, decoder, meter) for half in halves]
        return first + second

    async def _answers_of(self, node: Node, asked: Sequence[Call], decoder: Decoder, meter: Meter) -> list[Any] | None:
        """A node's answers; None if the node can't be used: it serves another chain, or was paused in the meantime."""
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
                if self._failover.leaves_to_others(node):
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
            if not any(map(is_range, calls)) and node.record_cut_off(len(calls)):
                raise BatchRefused from None
            raise
        meter.bytes += len(reply.body)
        return results_of(reply, node, decoder, calls, first_id)
