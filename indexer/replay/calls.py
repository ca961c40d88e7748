"""eth_call on a replayed chain: at which block, whether its state is still there, and what the contract answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from indexer.replay import multicall
from indexer.replay.chain import LiveChain
from indexer.replay.multicall import Reverted, Surroundings
from indexer.replay.refusal import Refusal
from indexer.replay.rendering import ServedBlock
from indexer.replay.state import RecordedState
from indexer.replay.token import Token
from indexer.replay.truth import NotRecorded, Truth

_MISSING: Final = -32000
_REVERTED: Final = 3


@dataclass(frozen=True, slots=True)
class StateOptions:
    """Which state the node has: of blocks at most `prune` below the head (None: of all).

    `pruned_empty`: state that is gone is answered with `0x` instead of refused. `multicall`: Multicall3 is deployed.
    """

    prune: int | None = None
    pruned_empty: bool = False
    multicall: bool = True


class Calls:
    """Answers eth_call from `state` and `token` at every block, else from `truth` at the blocks where it is recorded.

    With `state`, a view that neither has reverts; without, a block that is not recorded counts as one without state.
    """

    def __init__(
        self,
        chain_id: int,
        truth: Truth | None = None,
        state: RecordedState | None = None,
        options: StateOptions | None = None,
        token: Token | None = None,
    ) -> None:
        self._chain_id = chain_id
        self._truth = truth
        self._state = state
        self._options = options or StateOptions()
        self._token = token

    @property
    def has_multicall(self) -> bool:
        """Whether Multicall3 is deployed: it is where there is state for it."""
        return self._state is not None and self._options.multicall

    def answer(self, chain: LiveChain, transaction: Mapping[str, Any], block: ServedBlock) -> bytes:
        """What the call returns after a block. Raises Refusal where the state is gone, or the call reverts."""
        if self._options.prune is not None and block.number < chain.head - self._options.prune:
            if self._options.pruned_empty:
                return b""
            raise _missing_node(block)
        data = bytes.fromhex((transaction.get("data") or transaction.get("input") or "0x")[2:])
        try:
            return self._call(chain, block, str(transaction["to"]), data)
        except Reverted as reverted:
            message = f"execution reverted: {reverted.reason}" if reverted.reason else "execution reverted"
            raise Refusal(_REVERTED, message, "0x" + reverted.data.hex()) from None

    def _call(self, chain: LiveChain, block: ServedBlock, to: str, data: bytes) -> bytes:
        if self.has_multicall and to.lower() == multicall.ADDRESS:
            return multicall.multicall(data, self._surroundings(chain, block))
        number = chain.recorded_number(block)
        if number is None:
            raise _missing_node(block)
        if self._state is None:
            return self._from_truth(number, to, data)
        if not chain.has_code(to, block.number):
            return b""
        recorded = self._state.call(number, to, data)
        if recorded is None and self._token is not None and to.lower() == self._token.address:
            recorded = self._token.call(number, data)
        if recorded is not None:
            return recorded
        try:
            return self._from_truth(number, to, data)
        except Refusal:
            raise Reverted from None

    def _from_truth(self, number: int, to: str, data: bytes) -> bytes:
        reason = f"missing trie node: the state of block {number} is not recorded"
        if self._truth is None:
            raise Refusal(_MISSING, reason)
        try:
            return self._truth.call(number, to, "0x" + data.hex())
        except NotRecorded:
            raise Refusal(_MISSING, reason) from None

    def _surroundings(self, chain: LiveChain, block: ServedBlock) -> Surroundings:
        return Surroundings(
            block.number,
            block.timestamp,
            self._chain_id,
            lambda number: bytes.fromhex(chain.blocks[number].hash[2:]),
            lambda to, data: self._call(chain, block, to, data),
        )


def _missing_node(block: ServedBlock) -> Refusal:
    """The error of go-ethereum for state that it has dropped, or never had."""
    root = block.hash[2:]
    return Refusal(_MISSING, f"missing trie node {root} (path ) state 0x{root} is not available")
