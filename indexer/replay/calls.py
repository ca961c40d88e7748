"""Answer eth_call on a replayed chain: find the block, check that its state is available, and call the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from indexer.chain.views import MULTICALL3
from indexer.replay import multicall
from indexer.replay.chain import LiveChain
from indexer.replay.derived import DerivedViews
from indexer.replay.multicall import Reverted, Surroundings
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.rendering import ServedBlock
from indexer.replay.state import RecordedState
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
    """Answers eth_call for a recording: with `state` at every block, else from `truth` at the blocks that it has.

    With `state`, a view that it neither has nor implies reverts; without, other blocks count as ones without state.
    """

    def __init__(
        self,
        chain_id: int,
        recording: Sequence[RecordedBlock],
        truth: Truth | None = None,
        state: RecordedState | None = None,
        options: StateOptions | None = None,
    ) -> None:
        self._chain_id = chain_id
        self._truth = truth
        self._state = state
        self._derived = DerivedViews(recording, state) if state else None
        self._options = options or StateOptions()

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
            return self._call(chain, block, chain.recorded_number(block), str(transaction["to"]), data)
        except Reverted as reverted:
            message = f"execution reverted: {reverted.reason}" if reverted.reason else "execution reverted"
            raise Refusal(_REVERTED, message, "0x" + reverted.data.hex()) from None

    def _call(self, chain: LiveChain, block: ServedBlock, number: int | None, to: str, data: bytes) -> bytes:
        """What a contract returns; `number` is the block's in the recording."""
        if self.has_multicall and to.lower() == MULTICALL3:
            return multicall.multicall(data, self._surroundings(chain, block, number))
        if number is None:
            raise _missing_node(block)
        if self._state is None or self._derived is None:
            return self._from_truth(number, to, data)
        if not chain.has_code(to, block.number):
            return b""
        answer = self._state.call(number, to, data) or self._derived.call(number, to, data)
        if answer is None:
            raise Reverted
        return answer

    def _from_truth(self, number: int, to: str, data: bytes) -> bytes:
        reason = f"missing trie node: the state of block {number} is not recorded"
        if self._truth is None:
            raise Refusal(_MISSING, reason)
        try:
            return self._truth.call(number, to, "0x" + data.hex())
        except NotRecorded:
            raise Refusal(_MISSING, reason) from None

    def _surroundings(self, chain: LiveChain, block: ServedBlock, number: int | None) -> Surroundings:
        return Surroundings(
            block.number,
            block.timestamp,
            self._chain_id,
            lambda earlier: bytes.fromhex(_hash_before(chain, block, earlier)[2:]),
            lambda to, data: self._call(chain, block, number, to, data),
        )


def _hash_before(chain: LiveChain, block: ServedBlock, earlier: int) -> str:
    """The hash of a block before another one, which may be of a fork that is gone: then its parent's is right."""
    return block.parent_hash if earlier == block.number - 1 else chain.blocks[earlier].hash


def _missing_node(block: ServedBlock) -> Refusal:
    """The error of go-ethereum for state that it has dropped, or never had."""
    root = block.hash[2:]
    return Refusal(_MISSING, f"missing trie node {root} (path ) state 0x{root} is not available")
