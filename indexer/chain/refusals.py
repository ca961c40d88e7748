"""What the refusal of one call says: of the call, of the range that it asks for, or of the node."""

from typing import Any, Final

from indexer.chain.answers import Call
from indexer.chain.errors import InvalidParams, MethodNotFound, Pruned, RangeTooLarge, Reverted, RpcError
from indexer.chain.places import BlockPlace

CURSOR_METHOD: Final = "eth_getLogsWithCursor"
"""A method that a node may lack: eth_getLogs is there for those that do."""
STATE_METHOD: Final = "eth_call"
"""What is called at old blocks, whose state not every node keeps."""


def is_range(call: Call) -> bool:
    """Whether a call asks for the logs of several blocks, and could ask for fewer."""
    method, params = call
    if not method.startswith("eth_getLogs"):
        return False
    log_filter = params[0]
    return bool(log_filter.get("fromBlock") != log_filter.get("toBlock"))


def of_range(result: Any, call: Call) -> Any:
    """A result; where a range of blocks was refused for a reason that is not known, a smaller one is to be tried,
    unless it was a further page of it."""
    if type(result) is RpcError and is_range(call) and "cursor" not in call[1][0]:
        return RangeTooLarge(call[0], result.message)
    return result


def lacks_state(result: Any, call: Call) -> bool:
    """Whether a node says, or shows by an answer without a result, that it does not keep a block's state."""
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


def is_misnamed(result: Any, call: Call) -> bool:
    """Whether a node refused a call that named its block by the hash, as a node does that knows numbers only."""
    return isinstance(result, InvalidParams) and any(isinstance(param, BlockPlace) for param in call[1])
