"""What can go wrong with a node, and which of it is worth another try."""

import re
from typing import Any, Final

from indexer.base.errors import GhostnetError, Retryable


class NodeError(GhostnetError):
    """A node did not answer as it should."""

    help = "Check GHOSTNET_RPC_URLS; several nodes can be given, in order of preference, separated by commas."


class Unavailable(NodeError, Retryable):
    """No answer, or not a JSON-RPC answer: refused, reset, cut off, timed out, 5xx, HTML. Worth another try."""


class TimedOut(Unavailable):
    """No answer in time; perhaps too much was asked."""


class NodeUnreachable(NodeError, Retryable):
    """No node answered in time."""

    help = "Start the node, or set GHOSTNET_RPC_URLS to one that runs."


class RateLimited(NodeError, Retryable):
    """The node wants fewer requests; `retry_after` in seconds, if it said."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RpcError(NodeError):
    """The node refused a call for good."""

    def __init__(self, method: str, error: Any) -> None:
        code = error.get("code") if isinstance(error, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        super().__init__(f"the node refused {method}: {message} ({code})")


class MethodNotFound(RpcError):
    """The node has no such method."""


class RangeTooLarge(RpcError):
    """The answer for a range of blocks would be too large; a smaller range may do."""


class TooLarge(RpcError):
    """The answer to one call, or to a batch, is larger than the node sends."""

    help = (
        "One block or transaction alone is more than this node sends: put one with a higher limit on the size of "
        "answers into GHOSTNET_RPC_URLS."
    )


class Inconsistent(NodeError, Retryable):
    """Answers that do not belong together: of different forks, or from a node that lags behind. Worth another try."""

    help = "If this lasts, the node (or one behind its load balancer) is stuck: put another first in GHOSTNET_RPC_URLS."


class WrongChain(NodeError):
    """The node serves another chain than the deployment's."""

    help = (
        "Set GHOSTNET_RPC_URLS to a node of that chain, or GHOSTNET_DEPLOYMENT to the deployment on the node's chain."
    )


class NoContractCode(NodeError):
    """There is no contract at one of the deployment's addresses."""

    help = (
        "Correct the address in the file that GHOSTNET_DEPLOYMENT names, or point GHOSTNET_RPC_URLS at a synced node."
    )


_SECONDS: Final = re.compile(r"retry in (\d+(?:\.\d+)?) ?s", re.IGNORECASE)

_RATE_CODES: Final = {429, -32021, -32022, -32012, -32007, -32029}
"""Codes for too many requests, MegaETH's limits by bytes and compute units among them."""
_RATE: Final = re.compile(
    r"rate.?limit|request rate|too many requests|compute units|throttl|credits limited|request limit|capacity limit"
    r"|rabbit hole is full|over (network traffic|compute unit) limit|^limit exceeded$|daily request count",
    re.IGNORECASE,
)
_RANGE_CODES: Final = {-32005, -32008, -32614, -32701}
_RANGE: Final = re.compile(
    r"more than \d+|too (many|wide|large|big)|range|response size|exceed|query timeout|timed? ?out|limited to"
    r"|smaller than|limit the query|blocks distance|memory capacity|at most \d+|maximum \d+",
    re.IGNORECASE,
)
_BEYOND: Final = re.compile(r"beyond .*head", re.IGNORECASE)
_PASSING_CODES: Final = {-32603, -32019, -32011}
"""Codes of what another try may pass: an internal error, a block that a machine lacks yet, no healthy machine."""
_PASSING: Final = re.compile(
    r"internal error|timed? ?out|temporar|unavailable$|try again|deadline exceeded|no backend is currently healthy",
    re.IGNORECASE,
)
_PRUNED: Final = re.compile(r"pruned history|state is not available|missing trie node", re.IGNORECASE)


def rpc_error(method: str, error: Any) -> NodeError:
    """The exception for a JSON-RPC error object, by its code and wording; nodes agree on neither."""
    code = error.get("code") if isinstance(error, dict) else None
    message = str(error.get("message") if isinstance(error, dict) else error)
    asks_range = method.startswith("eth_getLogs") and not _BEYOND.search(message)
    refusal: NodeError
    if code == -32601:
        refusal = MethodNotFound(method, error)
    elif _PRUNED.search(message):
        refusal = RpcError(method, error)
    elif code in _RATE_CODES or _RATE.search(message):
        wait = _SECONDS.search(message)
        refusal = RateLimited(message, float(wait[1]) if wait else None)
    elif code == -32020 and not asks_range:
        refusal = TooLarge(method, error)
    elif asks_range and (code in _RANGE_CODES or code == -32020 or _RANGE.search(message)):
        refusal = RangeTooLarge(method, error)
    elif code in _PASSING_CODES or _PASSING.search(message):
        refusal = Unavailable(f"{method}: {message}")
    else:
        refusal = RpcError(method, error)
    return refusal
