"""The ways in which a node fails, and which of them are worth another try."""

import re
from collections.abc import Iterator
from typing import Any, Final

from indexer.base.errors import GhostnetError, Retryable


class NodeError(GhostnetError):
    """A node did not answer as it should."""

    help = "Check GHOSTNET_RPC_URLS; several nodes can be given, in order of preference, separated by commas."


class Unavailable(NodeError, Retryable):
    """No answer, or not a JSON-RPC answer: refused, reset, cut off, timed out, 5xx, HTML. Worth another try."""


class TimedOut(Unavailable):
    """No answer in time; perhaps too much was asked."""


class Disconnected(Unavailable):
    """The node took the connection and closed it before its answer was complete."""


class NodeUnreachable(NodeError, Retryable):
    """No node answered in time."""

    help = "Start the node, or set GHOSTNET_RPC_URLS to one that runs."


class RateLimited(NodeError, Retryable):
    """The node refuses so many requests; `retry_after` in seconds, None if it named no time."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RpcError(NodeError):
    """The node refused a call for good."""

    def __init__(self, method: str, error: Any) -> None:
        code = error.get("code") if isinstance(error, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        super().__init__(f"the node refused {method}: {message} ({code})")


class Reverted(RpcError):
    """The contract that was called refused: this is the answer, whichever node is asked."""


class InvalidParams(RpcError):
    """The node does not take a parameter of `eth_call`; many take no object that names a block by its hash."""


class MethodNotFound(RpcError):
    """The node has no such method."""

    help = "This node does not serve a method that is needed: put another one into GHOSTNET_RPC_URLS."


class TooLarge(RpcError):
    """The answer to one call, or to a batch, is larger than the node sends."""

    help = (
        "The logs of one event in one block, or one block or transaction alone, are more than this node sends: put one "
        "with a higher limit on the size of answers into GHOSTNET_RPC_URLS."
    )


class RangeTooLarge(RpcError):
    """The logs of a range of blocks would be too many; those of a smaller range, or a part of a block's, may do."""

    help = TooLarge.help


class UnknownBlock(RpcError):
    """The node does not have a block yet, or not any more: another one may, and so may this one later."""


class Pruned(RpcError):
    """The node does not keep blocks or states that are so old."""

    help = "Put a node that keeps the whole history (an archive node) into GHOSTNET_RPC_URLS."


class Denied(RpcError):
    """The node refuses access: a key is missing, wrong or revoked, a plan is used up, or the node is elsewhere."""

    help = (
        "Check the key and the plan of this node's address in GHOSTNET_RPC_URLS, or give more nodes there, separated by"
        " commas."
    )

    def __init__(self, method: str, error: Any, *, help: str | None = None) -> None:
        super().__init__(method, error)
        if help is not None:
            self.help = help


class TooLong(TooLarge):
    """The answer to one call, or to a batch, is longer than is read."""

    help = "No answer that is needed is so long: put another node into GHOSTNET_RPC_URLS."


class Inconsistent(NodeError, Retryable):
    """Answers that do not belong together: of different forks, or from a node that lags behind. Worth another try."""

    help = "If this lasts, the node (or one behind its load balancer) is stuck: put another first in GHOSTNET_RPC_URLS."


class Misnumbered(Inconsistent):
    """Logs whose numbers contradict each other, or their transactions; a block's time that is not in seconds."""


class WrongNumbers(NodeError):
    """A node that numbers logs or transactions, or counts time, in a way of its own, in each of its answers."""

    help = (
        "What follows from the order of logs and the times of blocks, in seconds, can't be read from such a node: put "
        "another one into GHOSTNET_RPC_URLS."
    )


class WrongChain(NodeError):
    """The node serves another chain than the deployment's."""

    help = (
        "Set GHOSTNET_RPC_URLS to a node of that chain, or GHOSTNET_DEPLOYMENT to the deployment on the node's chain."
    )


class OtherHistory(NodeError):
    """The node has another block at a height below the reorg depth than the one that was indexed."""

    help = (
        "Look the block up elsewhere: either this node is on a fork, and does not belong into GHOSTNET_RPC_URLS, or "
        "those that served the block were."
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
    r"|rabbit hole is full|over (network traffic|compute unit) limit|^limit exceeded$|daily request count|quota",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(
    r"unauthori[sz]ed|(api|access) ?key|project (id )?.*(disabled|suspended|invalid|not found)|invalid project"
    r"|access denied|forbidden|payment required|must be authenticated|account .*(disabled|suspended)|free (tier|plan)$",
    re.IGNORECASE,
)
_RANGE_CODES: Final = {-32005, -32008, -32614, -32701}
_RANGE: Final = re.compile(
    r"more than \d+|too (many|wide|large|big)|range|response size|exceed|query timeout|timed? ?out|limited to"
    r"|smaller than|limit the query|blocks distance|memory capacity|at most \d+|maximum \d+",
    re.IGNORECASE,
)
_TOO_LARGE_CODES: Final = {-32020, -32003}
"""Codes for answers that are too large: MegaETH's, and go-ethereum's for what is left of a batch."""
_UNKNOWN_BLOCK_CODE: Final = -32019
_UNKNOWN_BLOCK: Final = re.compile(
    r"beyond .*head|(unknown|missing) (block|header)|(block|header) (with .* )?(was )?not found|not canonical",
    re.IGNORECASE,
)
_INVALID_CODE: Final = -32602
_INVALID: Final = re.compile(r"unmarshal|invalid (argument|param|type)|deserializ|expected .*string", re.IGNORECASE)
_PASSING_CODES: Final = {-32603, -32011}
"""Codes of what another try may pass: an internal error, no healthy machine."""
_PASSING: Final = re.compile(
    r"internal error|timed? ?out|temporar|unavailable$|try again|deadline exceeded|no backend is currently healthy",
    re.IGNORECASE,
)
_PRUNED: Final = re.compile(
    r"pruned history|state (\S+ )?is not available|missing trie node|data before .* is not available", re.IGNORECASE
)


def rpc_error(method: str, error: Any) -> NodeError:
    """The exception for a JSON-RPC error object, by its code and wording; nodes agree on neither."""
    code = error.get("code") if isinstance(error, dict) else None
    message = str(error.get("message") if isinstance(error, dict) else error)
    kind = next((kind for kind, applies in _meanings(method, code, message) if applies), RpcError)
    if kind is RateLimited:
        wait = _SECONDS.search(message)
        return RateLimited(message, float(wait[1]) if wait else None)
    if kind is Unavailable:
        return Unavailable(f"{method}: {message}")
    refusal: RpcError = kind(method, error)
    return refusal


def _meanings(method: str, code: Any, message: str) -> Iterator[tuple[type[Any], bool]]:
    """What a refusal can mean, and whether it does; the first that applies is right."""
    asks_range = method.startswith("eth_getLogs")
    yield MethodNotFound, code == -32601
    yield Reverted, code == 3 or "revert" in message
    yield Pruned, bool(_PRUNED.search(message))
    yield UnknownBlock, code == _UNKNOWN_BLOCK_CODE or bool(_UNKNOWN_BLOCK.search(message))
    yield RateLimited, code in _RATE_CODES or bool(_RATE.search(message))
    yield Denied, bool(_DENIED.search(message))
    yield RangeTooLarge, asks_range and (code in _RANGE_CODES | _TOO_LARGE_CODES or bool(_RANGE.search(message)))
    yield TooLarge, code in _TOO_LARGE_CODES
    yield Unavailable, code in _PASSING_CODES or bool(_PASSING.search(message))
    yield InvalidParams, method == "eth_call" and (code == _INVALID_CODE or bool(_INVALID.search(message)))
