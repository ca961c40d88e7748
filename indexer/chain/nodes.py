"""The configured nodes: which of them are paused, which have proven themselves, and which is used next."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

from indexer.base.redaction import Mask
from indexer.base.retry import MAX_PAUSE_SECONDS, Backoff
from indexer.chain.errors import NodeError, OtherHistory

logger = logging.getLogger(__name__)

CALLS_A_REQUEST: Final = 100
FORGET_SECONDS: Final = 3600.0
"""Seconds after which a node with a reduced number of calls a request is tried with the full number again."""
MAX_CUT_OFF: Final = 4
"""Requests of several calls in a row that end with a closed connection before fewer calls are sent in a request."""
REFUSED_SECONDS: Final = 60.0
"""Seconds for which a node is paused that refuses an essential call, does not answer in time, or is inconsistent."""
GLITCH_SECONDS: Final = 1.0
"""Seconds: a node that answers again within this time after its last answer has not been replaced by another one."""
STATELESS_SECONDS: Final = 300.0
"""Seconds for which a node that lacked a block's state is asked for states only if no other node is ready."""
DISPROVEN_SECONDS: Final = 300.0
"""Seconds after which a node that does not serve the indexed chain is asked for its proof again."""


class Node:
    """One node's address, and what is known of it; times are those of the monotonic clock."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.mask = Mask([url])
        """Hides the key that the address may hold: refusals repeat it, and are logged and stored."""
        self.backoff = Backoff()
        self.ready_at = 0.0
        self._is_proven = False
        self._has_failed = False
        self._answered_at = 0.0
        self.disproof: NodeError | None = None
        """Why it is not used, though it answers."""
        self.proving = asyncio.Lock()
        self.foreign_ids = 0
        """Answers in a row whose id was not that of their call."""
        self.stateless_until = 0.0
        """The time until which it is assumed to lack the contracts' state of old blocks."""
        self.by_number = False
        """Whether blocks are named to it by their numbers, since it refused a call that named one by its hash."""
        self.serves = False
        """Whether it has answered any call besides those of its proof."""
        self._cut_off = 0
        self._calls_a_request = CALLS_A_REQUEST
        self._forget_at = 0.0

    @property
    def name(self) -> str:
        """The host only: addresses may hold keys."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_proven(self) -> bool:
        """Whether it has given its proof, and has not been away since."""
        if self._has_failed and time.monotonic() - self._answered_at >= GLITCH_SECONDS:
            self._is_proven = False
        return self._is_proven

    @is_proven.setter
    def is_proven(self, value: bool) -> None:
        self._is_proven = value

    @property
    def calls_a_request(self) -> int:
        """The number of calls that it takes in one request, as far as is known."""
        if self._calls_a_request < CALLS_A_REQUEST and time.monotonic() >= self._forget_at:
            self._calls_a_request = CALLS_A_REQUEST
        return self._calls_a_request

    def record_numbers_only(self, refusal: str) -> None:
        """Note that it refused a call with a block's hash: from now on blocks are named by their numbers."""
        if not self.by_number:
            logger.warning(
                "node %s takes no block's hash in eth_call (%s): it is asked by number, with the block's header",
                self.name,
                refusal,
            )
        self.by_number = True

    def record_refused_calls(self, calls: int) -> None:
        """Note that a request had too many calls: half of them are sent, down to single calls, for FORGET_SECONDS."""
        self._calls_a_request = max(1, min(self._calls_a_request, calls // 2))
        self._forget_at = time.monotonic() + FORGET_SECONDS
        self._cut_off = 0

    def record_cut_off(self, calls: int) -> bool:
        """Note that it closed the connection on a request; return whether it is assumed to refuse so many calls."""
        self._cut_off += calls > 1
        return calls > 1 and self._cut_off >= MAX_CUT_OFF

    def record_success(self, calls: int) -> None:
        """Note that it answered a request of `calls` calls."""
        self.backoff.reset()
        self._has_failed, self._answered_at = False, time.monotonic()
        if calls > 1:
            self._cut_off = 0

    def pause_for(self, seconds: float) -> None:
        """Do not use it for so many seconds; a pause that has begun is not extended, so that failures do not add up."""
        now = time.monotonic()
        if self.ready_at <= now:
            self.ready_at = now + seconds

    def record_timeout(self, seconds: float) -> None:
        """Note that it did not answer a request in time: it is paused, and must prove itself again."""
        self._has_failed = True
        self.pause_for(seconds)

    def record_failure(self, limit: float) -> None:
        """Note that it failed: it is paused, longer each time but at most `limit` seconds, and must prove itself again
        if it was away."""
        self._has_failed = True
        if self.ready_at <= time.monotonic():
            self.pause_for(min(self.backoff.pause(), limit, MAX_PAUSE_SECONDS))


class Nodes:
    """The nodes in order of preference."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.all = [Node(url) for url in urls]
        self.proofs = 0

    @property
    def preferred(self) -> Node:
        """The first that is ready, or the first of all."""
        return self._first_ready(self.all) or self.all[0]

    @property
    def disproven(self) -> list[str]:
        """The reason of each node that is not used, with its name."""
        return [f"node {node.name}: {node.disproof.message}" for node in self.all if node.disproof is not None]

    def without_state(self) -> set[Node]:
        """Those that lately lacked a block's state; none of them unless another node is ready."""
        found = {node for node in self.all if node.stateless_until > time.monotonic()}
        return found if self.others(found, ready=True) else set()

    def others(self, refused: Collection[Node], *, ready: bool) -> list[Node]:
        """Those not in `refused` that serve the indexed chain, as far as is known; `ready`: only those not paused."""
        now = time.monotonic()
        left = [node for node in self.all if node not in refused and node.disproof is None]
        return [node for node in left if node.ready_at <= now] if ready else left

    async def choose(self, refused: Collection[Node], deadline: float | None) -> Node:
        """The first node that is ready and not in `refused`, after a wait if none is.

        A node that contradicts the indexed blocks is used only if all of them do: then the chain itself has changed.
        At the deadline the node that would be ready first is taken, ready or not. Raises WrongChain if none of the
        nodes serves the indexed chain.
        """
        candidates = [node for node in self.all if node not in refused]
        if (node := self._first_ready(candidates)) is not None:
            return node
        if all(node.disproof is not None for node in self.all):
            return self._least_wrong()
        waiting = [node for node in candidates if node.disproof is None] or candidates
        node = min(waiting, key=lambda resting: resting.ready_at)
        end = node.ready_at if deadline is None else min(node.ready_at, deadline)
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        if end < node.ready_at:
            node.ready_at = 0.0
        return node

    def _first_ready(self, nodes: Sequence[Node]) -> Node | None:
        now = time.monotonic()
        return next((node for node in nodes if node.ready_at <= now), None)

    def _least_wrong(self) -> Node:
        """The first node with another history, where no node has the indexed blocks. Raises WrongChain."""
        for node in self.all:
            if isinstance(node.disproof, OtherHistory):
                logger.warning("node %s: %s; no node has our block", node.name, node.disproof.message)
                node.disproof = None
                self.prove(node)
                node.ready_at = 0.0
                return node
        error = self.all[0].disproof
        assert error is not None
        raise error

    def disprove(self, node: Node, why: NodeError) -> None:
        """Do not use a node for DISPROVEN_SECONDS, since it does not serve the indexed chain."""
        if node.disproof is None and len(self.all) > 1:
            logger.error("node %s is not used any more: %s", node.name, why.message)
        node.disproof = why
        node.ready_at = time.monotonic() + DISPROVEN_SECONDS

    def prove(self, node: Node) -> None:
        """Note that a node has proven that it serves the indexed chain."""
        if node.disproof is not None:
            logger.info("node %s serves our chain again", node.name)
        node.disproof, node.is_proven = None, True
        self.proofs += 1

    def ask_for_proof(self) -> None:
        """Require a proof of every node before it is used again."""
        for node in self.all:
            node.is_proven = False
            if node.disproof is not None:
                node.disproof, node.ready_at = None, 0.0
