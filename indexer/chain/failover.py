"""What follows when a node fails or refuses calls: which calls are sent again, to which node, after which pause."""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from indexer.base.retry import MAX_PAUSE_SECONDS, Backoff
from indexer.chain.answers import Call
from indexer.chain.errors import (
    Denied,
    Inconsistent,
    MethodNotFound,
    NodeError,
    NodeUnreachable,
    Pruned,
    RateLimited,
    RpcError,
    TooLarge,
    Unavailable,
)
from indexer.chain.limiter import Limiter
from indexer.chain.nodes import REFUSED_SECONDS, STATELESS_SECONDS, Node, Nodes
from indexer.chain.refusals import is_refused, lacks_state, of_range, refuses_block_hash

logger = logging.getLogger(__name__)

MALFORMED_TRIES: Final = 2
MAX_REFUSALS: Final = 8
"""Refusals of essential calls, over about 20 s, after which a node that answers other calls is given up: until then
one of the machines behind its load balancer may be faulty."""
_ESSENTIAL: Final = {
    "eth_blockNumber", "eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getLogs",
    "eth_getTransactionByHash",
}  # fmt: skip
"""What every node must serve; one that does not is of no use."""


@dataclass(slots=True)
class Request:
    """Calls that are sent until each has its answer, and the attempts so far.

    `deadline`: when to give up, by the monotonic clock; None for never. `left` are the indices of the calls without an
    answer. `refused` are the nodes that have refused some of these for good; `is_essential`: they refused what every
    node must serve, so that the others are waited for.
    """

    calls: Sequence[Call]
    deadline: float | None
    results: list[Any] = field(init=False)
    left: list[int] = field(init=False)
    attempts: int = 0
    malformed: int = 0
    refusals: int = 0
    pauses: Backoff = field(default_factory=Backoff)
    refused: set[Node] = field(default_factory=set)
    is_essential: bool = False

    def __post_init__(self) -> None:
        self.results = [None] * len(self.calls)
        self.left = list(range(len(self.calls)))


class Failover:
    """Decides after each attempt at a request what follows; pauses nodes, and adapts the `limiter` of requests."""

    def __init__(self, nodes: Nodes, limiter: Limiter) -> None:
        self._nodes = nodes
        self._limiter = limiter

    def take_answers(self, node: Node, request: Request, answers: Sequence[Any], *, by_number: bool) -> None:
        """Store a node's answers to the calls that are left; those that failed temporarily, or that another node may
        serve, are left. `by_number`: blocks were named by their numbers. Raises as `note_failure`."""
        calls, results, asked = request.calls, request.results, request.left
        node.record_success(len(asked))
        for index, answer in zip(asked, answers, strict=True):
            results[index] = of_range(answer, calls[index], request.attempts)
        node.serves |= any(not isinstance(results[index], NodeError) for index in asked)
        by_hash = [] if by_number else [index for index in asked if refuses_block_hash(results[index], calls[index])]
        if by_hash:
            node.record_numbers_only(results[by_hash[0]].message)
        others = [index for index in asked if index not in by_hash] if by_hash else asked
        passing = [index for index in others if isinstance(results[index], Unavailable | RateLimited)]
        rest = [index for index in others if isinstance(results[index], TooLarge)] if len(others) > 1 else []
        refused = [index for index in others if index not in rest and is_refused(results[index], calls[index])]
        if any(lacks_state(results[index], calls[index]) for index in refused):
            node.stateless_until = time.monotonic() + STATELESS_SECONDS
        if refused and not self._is_asked_again(node, request, results[refused[0]], calls[refused[0]]):
            refused = []
        if passing:
            self.note_failure(node, results[passing[0]], request, answered=True)
        else:
            self._limiter.record_success()
        request.left = sorted({*by_hash, *passing, *rest, *refused})

    def accept_refusals(self, request: Request) -> None:
        """After a node could not be used: send on only those calls that no other node has refused, for the others take
        the refusal as the result, unless another node is still worth waiting for."""
        if not request.refused or (request.is_essential and self._nodes.others(request.refused, ready=False)):
            return
        request.refused.clear()
        request.left = [index for index in request.left if not isinstance(request.results[index], RpcError | str)]

    def leaves_to_others(self, node: Node, refused: Collection[Node] = ()) -> bool:
        """Whether another node is ready that has not refused; if so, pause this one, which did not answer in time."""
        if not self._nodes.others({node, *refused}, ready=True):
            return False
        logger.warning("node %s rests for %.0f s: it did not answer in time", node.name, REFUSED_SECONDS)
        node.record_timeout(REFUSED_SECONDS)
        return True

    def is_tried_again(self, node: Node, error: NodeError, request: Request) -> bool:
        """Whether to send again a request that failed; False if it is one call, whose answer is too large. Raises as
        `note_failure`."""
        if isinstance(error, TooLarge):
            return self._is_asked_again(node, request, error)
        self.note_failure(node, error, request)
        return True

    def note_failure(self, node: Node, error: NodeError, request: Request, *, answered: bool = False) -> None:
        """Pause a node that failed; `answered`: it answered some of the calls.

        Raises NodeUnreachable or RateLimited at the deadline, and `error` if no other try can help.
        """
        request.attempts += 1
        request.malformed += isinstance(error, Inconsistent)
        left = MAX_PAUSE_SECONDS if request.deadline is None else request.deadline - time.monotonic()
        if isinstance(error, RpcError):
            if not self._is_asked_again(node, request, error):
                raise error
        elif request.malformed == MALFORMED_TRIES:
            raise error
        elif left < 0:
            if isinstance(error, RateLimited):
                raise error
            raise NodeUnreachable(f"{node.name} does not answer: {error.message}") from error
        elif isinstance(error, RateLimited):
            self._limiter.record_refusal()
            pause = error.retry_after if error.retry_after is not None else request.pauses.pause()
            node.pause_for(min(pause, left, MAX_PAUSE_SECONDS))
        elif answered or isinstance(error, Inconsistent):
            node.pause_for(min(request.pauses.pause(), left))
        else:
            node.record_failure(left)
        if request.attempts in (3, 10) or request.attempts % 50 == 0:
            logger.warning("node %s: %s (%d attempts so far)", node.name, error.message, request.attempts)

    def _is_asked_again(self, node: Node, request: Request, refusal: NodeError, call: Call | None = None) -> bool:
        """Whether to send again a call, or a whole request, that a node refused for good: to another node, or to this
        one if it has served other calls. A node that refuses an essential call is paused."""
        request.refused.add(node)
        must_be_served = call is None or call[0] in _ESSENTIAL
        request.is_essential = must_be_served and isinstance(refusal, Denied | Pruned | MethodNotFound)
        if request.is_essential and len(self._nodes.all) > 1:
            logger.warning("node %s rests for %.0f s: %s", node.name, REFUSED_SECONDS, refusal.message)
            node.pause_for(REFUSED_SECONDS)
        if self._nodes.others(request.refused, ready=not request.is_essential):
            return True
        request.refused.clear()
        request.refusals += 1
        if not (request.is_essential and node.serves and request.refusals < MAX_REFUSALS):
            return False
        logger.warning("node %s refuses what it must serve: %s", node.name, refusal.message)
        node.pause_for(request.pauses.pause())
        return True
