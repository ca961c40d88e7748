"""The block after which a contract is called: how a call names it, and how the answer shows which block was used."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from eth_hash.auto import keccak

from indexer.chain.errors import Inconsistent, RpcError
from indexer.chain.rpc_types import WireHeader
from indexer.domain.chain import Header

BlockReference = Header | int
"""A block by its header, or, where its header is not known, by its number."""

_WORD_LENGTH: Final = len("0x") + 64


class AnotherBlock(Inconsistent):
    """The node gave the contracts' state after another block than was asked for."""


class BlockParam(NamedTuple):
    """A parameter that names a block: by its hash where the node takes that (EIP-1898), else by its number."""

    number: int
    hash: str


def block_param(reference: BlockReference) -> Any:
    """The parameter that names a block to a node."""
    return BlockParam(reference.number, reference.hash) if isinstance(reference, Header) else hex(reference)


def json_params(params: Sequence[Any], by_number: bool) -> list[Any]:
    """A call's parameters as JSON."""
    return [
        (hex(param.number) if by_number else {"blockHash": param.hash}) if isinstance(param, BlockParam) else param
        for param in params
    ]


def check_header(reference: BlockReference, answer: Any) -> None:
    """Raise AnotherBlock unless the node's header at the block's height, in `answer`, is that of the block."""
    assert isinstance(reference, Header)
    if isinstance(answer, WireHeader) and answer.hash == reference.hash:
        return
    found = answer.hash if isinstance(answer, WireHeader) else "none"
    why = f" ({answer.message})" if isinstance(answer, RpcError) else ""
    raise AnotherBlock(
        f"asked for the state after block {reference.number} ({reference.hash}), the node has {found}{why} there"
    )


class MulticallBlockCheck:
    """Compares the block number and the parent's hash that Multicall3 reports with the block that was asked for.

    Some chains show contracts the numbers and hashes of another chain. A value that was wrong repeatedly, and never
    right, can be ignored until it is right once.
    """

    CALLS: Final = tuple(keccak(name)[:4] for name in (b"getBlockNumber()", b"getLastBlockHash()"))
    """The calldata of the calls whose answers are compared."""

    def __init__(self) -> None:
        self._right = [False] * len(self.CALLS)
        self._wrong = [False] * len(self.CALLS)
        self._left_out = [False] * len(self.CALLS)

    def check(self, reference: BlockReference, said: Sequence[tuple[bool, str]]) -> None:
        """Compare Multicall3's answers to the CALLS, each whether it succeeded and its result in hex, with a block.

        Raises AnotherBlock. A call that failed, or returned no word, shows nothing.
        """
        number = reference.number if isinstance(reference, Header) else reference
        parent = reference.parent_hash if isinstance(reference, Header) else ""
        expected = (number, int(parent, 16) if parent else None)
        for index, (wanted, (success, result)) in enumerate(zip(expected, said, strict=True)):
            if wanted is None or not success or len(result) != _WORD_LENGTH:
                continue
            if int(result, 16) == wanted:
                self._right[index], self._left_out[index] = True, False
                continue
            self._wrong[index] = True
            if not self._left_out[index]:
                what = f"a block whose parent is {result}, not {parent}" if index else f"block {int(result, 16)}"
                raise AnotherBlock(f"asked for the state after block {number}, the node gave that after {what}")

    def leave_out(self) -> bool:
        """Ignore the values that were wrong and never right; return whether these are others than before."""
        useless = [wrong and not right for wrong, right in zip(self._wrong, self._right, strict=True)]
        changed = useless != self._left_out
        self._left_out = useless
        return changed
