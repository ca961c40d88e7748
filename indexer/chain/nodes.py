"""The nodes that can be asked: which of them are resting, which have proven themselves, and which is next."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

from indexer.base.redaction import Mask
from indexer.base.retry import LONGEST_SECONDS, Backoff
from indexer.chain.errors import NodeError, OtherHistory

logger = logging.getLogger(__name__)

CALLS_A_REQUEST: Final = 100
FORGET_SECONDS: Final = 3600.0
"""After so long a node that took few calls a request only is tried with many again."""
MOST_CUT_OFF: Final = 4
"""After so many requests of several calls in a row that a node closed the connection on, it is asked for fewer."""
REFUSED_SECONDS: Final = 60.0
"""How long a node rests that refuses what every node must serve."""
GLITCH_SECONDS: Final = 1.0
"""A node that answers again so soon after its last answer was not away: no other one has taken its place."""
STATELESS_SECONDS: Final = 300.0
"""So long a node that lacked a block's state is asked for states only if no other node has them."""
DISPROVEN_SECONDS: Final = 300.0
"""After so long a node that serves something else than our chain is asked for its proof again."""


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
        """Until when it is taken to lack the contracts' state of old blocks."""
        self.by_number = False
        """Whether blocks are named to it by their numbers, since it refused a call that named one by its hash."""
        self.serves = False
        """Whether it has answered a call of ours beside its proof."""
        self._cut_off = 0
        self._calls_a_request = CALLS_A_REQUEST
        self._forget_at = 0.0

    @property
    def name(self) -> str:
        """The host only: addresses may hold keys."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_proven(self) -> bool:
        """Whether it has given its proof, and was not away since."""
        if self._has_failed and time.monotonic() - self._answered_at >= GLITCH_SECONDS:
            self._is_proven = False
        return self._is_proven

    @is_proven.setter
    def is_proven(self, value: bool) -> None:
        self._is_proven = value

    @property
    def calls_a_request(self) -> int:
        """How many calls it takes in one request, as far as is known."""
        if self._calls_a_request < CALLS_A_REQUEST and time.monotonic() >= self._forget_at:
            self._calls_a_request = CALLS_A_REQUEST
        return self._calls_a_request

    def knows_numbers_only(self, refusal: str) -> None:
        """It refused a call that named its block by the hash: from now on blocks are named by their numbers."""
        if not self.by_number:
            logger.warning(
                "node %s takes no block's hash in eth_call (%s): it is asked by number, with the block's header",
                self.name,
                refusal,
            )
        self.by_number = True

    def refused_calls(self, calls: int) -> None:
        """So many calls in one request were too many: half of them are tried, down to single calls, for an hour."""
        self._calls_a_request = max(1, min(self._calls_a_request, calls // 2))
        self._forget_at = time.monotonic() + FORGET_SECONDS
        self._cut_off = 0

    def cut_off(self, calls: int) -> bool:
        """It closed the connection on a request of so many calls; whether it is taken to refuse so many."""
        self._cut_off += calls > 1
        return calls > 1 and self._cut_off >= MOST_CUT_OFF

    def succeeded(self, calls: int) -> None:
        """It answered a request of so many calls."""
        self.backoff.reset()
        self._has_failed, self._answered_at = False, time.monotonic()
        if calls > 1:
            self._cut_off = 0

    def rest(self, seconds: float) -> None:
        """Let it rest from now on; a rest that has begun is not made longer, lest one failure after another does."""
        now = time.monotonic()
        if self.ready_at <= now:
            self.ready_at = now + seconds

    def hung(self, seconds: float) -> None:
        """It took a request and did not answer in time: it rests, and proves itself anew."""
        self._has_failed = True
        self.rest(seconds)

    def failed(self, most: float) -> None:
        """It did not answer: it rests, a little longer each time, at most so many seconds, and proves itself
        anew if it was away."""
        self._has_failed = True
        if self.ready_at <= time.monotonic():
            self.rest(min(self.backoff.pause(), most, LONGEST_SECONDS))


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
        """What is wrong with those that are not used, each with its name."""
        return [f"node {node.name}: {node.disproof.message}" for node in self.all if node.disproof is not None]

    def without_state(self) -> set[Node]:
        """Those that lacked a block's state a while ago; none of them unless another one is ready."""
        found = {node for node in self.all if node.stateless_until > time.monotonic()}
        return found if self.others(found, ready=True) else set()

    def others(self, refused: Collection[Node], *, ready: bool) -> list[Node]:
        """Those that have not refused a call and serve our chain, as far as is known; `ready`: and need no rest."""
        now = time.monotonic()
        left = [node for node in self.all if node not in refused and node.disproof is None]
        return [node for node in left if node.ready_at <= now] if ready else left

    async def choose(self, refused: Collection[Node], deadline: float | None) -> Node:
        """The first node that is ready, after a wait if none is; one that refused what is to be asked is left out.

        A node that contradicts the blocks that were indexed is used only if all of them do: then the chain itself has
        changed. At the deadline the node that would be ready first is taken, ready or not. Raises WrongChain if none
        of the nodes serves our chain.
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
        """The first node whose history is another than ours, where no node has ours. Raises WrongChain."""
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
        """Use a node no more for a while, since it serves something else than our chain."""
        if node.disproof is None and len(self.all) > 1:
            logger.error("node %s is not used any more: %s", node.name, why.message)
        node.disproof = why
        node.ready_at = time.monotonic() + DISPROVEN_SECONDS

    def prove(self, node: Node) -> None:
        """A node has proven that it serves our chain."""
        if node.disproof is not None:
            logger.info("node %s serves our chain again", node.name)
        node.disproof, node.is_proven = None, True
        self.proofs += 1

    def ask_for_proof(self) -> None:
        """Let every node prove itself before it is used again."""
        for node in self.all:
            node.is_proven = False
            if node.disproof is not None:
                node.disproof, node.ready_at = None, 0.0
