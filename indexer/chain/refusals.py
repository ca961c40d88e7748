"""Classify refused calls: whether the call, its range of blocks, or the node is the cause."""

from collections.abc import Sequence
from typing import Any, Final, TypeGuard

from indexer.chain.answers import Call
from indexer.chain.block_reference import BlockParam
from indexer.chain.errors import (
    InvalidParams,
    MethodNotFound,
    NodeError,
    Pruned,
    RangeTooLarge,
    Reverted,
    RpcError,
    TimedOut,
    TooLarge,
    Unavailable,
)

CURSOR_METHOD: Final = "eth_getLogsWithCursor"
"""A method that a node may lack; eth_getLogs is used instead."""
STATE_METHOD: Final = "eth_call"
"""The method that reads the state of a block, which not every node keeps for old blocks."""
MAX_RANGE_FAILURES: Final = 3
"""Failures in a row of a request for a range of blocks after which a smaller one is asked for: a proxy in front of the
node may give up before the node has answered."""


def is_range(call: Call) -> bool:
    """Whether a call requests the logs of several blocks, so that it could be split."""
    method, params = call
    if not method.startswith("eth_getLogs"):
        return False
    log_filter = params[0]
    return bool(log_filter.get("fromBlock") != log_filter.get("toBlock"))


def asks_too_much(error: NodeError, calls: Sequence[Call], failures: int) -> bool:
    """Whether a request that can be split failed since it asked for too much, as far as that shows; it has failed
    `failures` times before."""
    if isinstance(error, TooLarge | TimedOut):
        return len(calls) > 1 or is_range(calls[0])
    return isinstance(error, Unavailable) and failures >= MAX_RANGE_FAILURES and any(map(is_range, calls))


def of_range(result: Any, call: Call, failures: int) -> Any:
    """The result; RangeTooLarge in place of what a node may say to a range of blocks that is too large for it: an
    unclassified refusal, unless the call was for a further page, or once more what may pass, after so many failures of
    the request."""
    if not is_range(call):
        return result
    is_unclassified = type(result) is RpcError and "cursor" not in call[1][0]
    if is_unclassified or (isinstance(result, Unavailable) and failures >= MAX_RANGE_FAILURES):
        return RangeTooLarge(call[0], result.message)
    return result


def is_too_much(answer: Any) -> TypeGuard[RpcError]:
    """Whether a node refused to send logs since they are too many or too large, or for a reason that is not known,
    which may be this one in words of its own."""
    return isinstance(answer, RangeTooLarge | TooLarge) or type(answer) is RpcError


def lacks_state(result: Any, call: Call) -> bool:
    """Whether a node refused a call, or answered it with empty data, because it does not keep the block's state."""
    return call[0] == STATE_METHOD and (result == "0x" or isinstance(result, Pruned))


def is_refused(result: Any, call: Call) -> bool:
    """Whether a node refused a call for good that another one may serve."""
    if lacks_state(result, call):
        return True
    if not isinstance(result, RpcError) or isinstance(result, Reverted):
        return False
    if isinstance(result, MethodNotFound):
        return call[0] != CURSOR_METHOD
    return not (isinstance(result, RangeTooLarge) and is_range(call))


def refuses_block_hash(result: Any, call: Call) -> bool:
    """Whether a node refused a call because it names its block by hash; some nodes take numbers only."""
    return isinstance(result, InvalidParams) and any(isinstance(param, BlockParam) for param in call[1])
