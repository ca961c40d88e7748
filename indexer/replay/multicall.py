"""Multicall3: a contract that makes many calls in one, at the same address on most chains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

from eth_abi import abi
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

_WORD: Final = 32
_BLOCKS_WITH_HASH: Final = 256
"""How many blocks back a contract can read a block's hash."""


class Reverted(Exception):
    """The call ended with a revert; `data` is what it returned."""

    def __init__(self, reason: str = "", data: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a contract can read of the block at which it is called; `call` calls another one, or raises Reverted."""

    block_number: int
    timestamp: int
    chain_id: int
    block_hash: Callable[[int], bytes]
    call: Callable[[str, bytes], bytes]


def multicall(data: bytes, surroundings: Surroundings) -> bytes:
    """What Multicall3 returns for this calldata. Raises Reverted as the contract reverts."""
    function = _FUNCTIONS.get(data[:4])
    if function is None:
        raise Reverted
    arguments, results, answer = function
    try:
        values = _decoded(arguments, data[4:])
    except DecodingError as error:
        raise Reverted from error
    returned = answer(surroundings, *values)
    return encoded_results(*returned) if results == (_RESULTS,) else abi.encode(results, returned)


@lru_cache(maxsize=64)
def _decoded(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    return abi.decode(types, data) if types else ()


def _results(surroundings: Surroundings, calls: Sequence[tuple[str, bool, bytes]]) -> list[tuple[bool, bytes]]:
    """(success, returned bytes) of each call (target, may fail, calldata)."""
    results = []
    for target, may_fail, data in calls:
        try:
            results.append((True, surroundings.call(target, data)))
        except Reverted as reverted:
            if not may_fail:
                reason = "Multicall3: call failed"
                raise Reverted(reason, keccak(b"Error(string)")[:4] + abi.encode(["string"], [reason])) from reverted
            results.append((False, reverted.data))
    return results


def _aggregate3(surroundings: Surroundings, calls: Sequence[tuple[str, bool, bytes]]) -> Sequence[Any]:
    return (_results(surroundings, calls),)


def encoded_results(results: Sequence[tuple[bool, bytes]]) -> bytes:
    """`(bool,bytes)[]` as the only result of a function, in ABI words.

    It is asked for with each block; eth_abi, which it is tested against, takes ten times as long.
    """
    parts = [
        _word(success) + _word(2 * _WORD) + _word(len(data)) + data + bytes(-len(data) % _WORD)
        for success, data in results
    ]
    *places, _ = accumulate(map(len, parts), initial=_WORD * len(parts))
    return b"".join([_word(_WORD), _word(len(parts)), *map(_word, places), *parts])


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD)


def _aggregate(surroundings: Surroundings, calls: Sequence[tuple[str, bytes]]) -> Sequence[Any]:
    results = _results(surroundings, [(target, False, data) for target, data in calls])
    return surroundings.block_number, [returned for _, returned in results]


def _try_aggregate(surroundings: Surroundings, strict: bool, calls: Sequence[tuple[str, bytes]]) -> Sequence[Any]:
    return (_results(surroundings, [(target, not strict, data) for target, data in calls]),)


def _try_block(surroundings: Surroundings, strict: bool, calls: Sequence[tuple[str, bytes]]) -> Sequence[Any]:
    number = surroundings.block_number
    return number, _block_hash(surroundings, number)[0], *_try_aggregate(surroundings, strict, calls)


def _block_hash(surroundings: Surroundings, number: int) -> Sequence[bytes]:
    """The hash of an earlier block, zeros for this one and for those long ago, as the chain's machine answers."""
    near = surroundings.block_number - _BLOCKS_WITH_HASH <= number < surroundings.block_number
    return (surroundings.block_hash(number) if near and number >= 0 else bytes(32),)


_CALLS: Final = "(address,bytes)[]"
_RESULTS: Final = "(bool,bytes)[]"
_BLOCK_AND_RESULTS: Final = ("uint256", "bytes32", _RESULTS)
_FUNCTIONS: Final[Mapping[bytes, tuple[tuple[str, ...], tuple[str, ...], Callable[..., Sequence[Any]]]]] = {
    keccak(f"{name}({','.join(arguments)})".encode())[:4]: (arguments, results, answer)
    for name, arguments, results, answer in (
        ("aggregate3", ("(address,bool,bytes)[]",), (_RESULTS,), _aggregate3),
        ("aggregate", (_CALLS,), ("uint256", "bytes[]"), _aggregate),
        ("tryAggregate", ("bool", _CALLS), (_RESULTS,), _try_aggregate),
        ("tryBlockAndAggregate", ("bool", _CALLS), _BLOCK_AND_RESULTS, _try_block),
        ("blockAndAggregate", (_CALLS,), _BLOCK_AND_RESULTS, lambda around, calls: _try_block(around, True, calls)),
        ("getBlockNumber", (), ("uint256",), lambda around: (around.block_number,)),
        ("getBlockHash", ("uint256",), ("bytes32",), _block_hash),
        ("getLastBlockHash", (), ("bytes32",), lambda around: _block_hash(around, around.block_number - 1)),
        ("getCurrentBlockTimestamp", (), ("uint256",), lambda around: (around.timestamp,)),
        ("getChainId", (), ("uint256",), lambda around: (around.chain_id,)),
    )
}
"""Selector: the ABI types of the arguments and of the results, and what answers."""
