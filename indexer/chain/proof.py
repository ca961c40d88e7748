"""How a node proves that it serves the chain that is indexed: by its chain id, and by blocks that were indexed already.

A block that a node lacks is not evidence against it, since nodes without history are right all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from indexer.chain.errors import (
    Denied,
    Inconsistent,
    MethodNotFound,
    NodeError,
    OtherHistory,
    Pruned,
    RateLimited,
    RpcError,
    Unavailable,
    WrongChain,
)
from indexer.chain.rpc_types import WireHeader
from indexer.domain.units import Hash, quantity

PROOF_KIND: Final[Any] = str | WireHeader
"""The type of the answers to `Proof.calls`."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a node must answer: the chain id, and the hashes of blocks by their numbers."""

    chain_id: int
    blocks: Mapping[int, Hash] = field(default_factory=dict)

    @property
    def calls(self) -> list[tuple[str, list[Any]]]:
        """The calls that ask a node for its proof."""
        blocks = [("eth_getBlockByNumber", [hex(number), False]) for number in self.blocks]
        return [("eth_chainId", []), *blocks]

    def disproof(self, answers: Sequence[Any]) -> NodeError | None:
        """Why a node with these answers is not used: WrongChain or OtherHistory; None if nothing speaks against it.

        Raises RateLimited, Unavailable, Inconsistent or RpcError if the answers say neither.
        """
        for answer in answers:
            if isinstance(answer, RateLimited | Unavailable):
                raise answer
        chain, *blocks = answers
        if isinstance(chain, Denied | MethodNotFound | Pruned):
            raise chain
        if isinstance(chain, RpcError):
            raise Unavailable(chain.message)  # a node that starts or stops refuses even this in words of its own
        if (number := number_of(chain, "eth_chainId")) != self.chain_id:
            return WrongChain(f"the node is on chain {number}, the deployment on chain {self.chain_id}")
        for (height, ours), block in zip(self.blocks.items(), blocks, strict=True):
            if isinstance(block, WireHeader) and block.hash != ours:
                return OtherHistory(f"the node's block {height} is {block.hash}, ours is {ours}")
        return None


def number_of(answer: Any, method: str) -> int:
    """A number in hex. Raises Inconsistent if it is none."""
    try:
        return quantity(answer)
    except (TypeError, ValueError) as error:
        raise Inconsistent(f"{method}: {answer!r} is no number") from error
