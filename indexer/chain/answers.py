"""Read what a node answered to a request: the results of its calls, or why it refused them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec

from indexer.chain.errors import (
    Denied,
    Inconsistent,
    MethodNotFound,
    Pruned,
    RangeTooLarge,
    RateLimited,
    RpcError,
    TooLarge,
    Unavailable,
    rpc_error,
)
from indexer.chain.json_normalization import BYTE_ORDER_MARK, parsed
from indexer.chain.nodes import Node
from indexer.chain.rpc_types import WireHeader
from indexer.chain.transport import Reply

T = TypeVar("T")

Call = tuple[str, list[Any]]
"""A method and its parameters."""

HexOrHeader = str | WireHeader | RpcError | None
Answers = Sequence[HexOrHeader]
"""The results of calls that give hex or a header; None for `null`, an RpcError for a call that was refused for good."""

MAX_FOREIGN_IDS: Final = 2
"""Answers in a row with a wrong id after which a node is assumed not to repeat the ids of requests."""

_BATCH_STATUSES: Final = {400, 403, 404, 405, 406, 411, 413, 414, 415, 422, 431, 501}
"""HTTP statuses, without an error in JSON-RPC, with which nodes refuse several calls in one request."""
_DENIED_STATUSES: Final = {401, 402, 403, 407}
_MAX_REFUSAL: Final = 500
"""Bytes of a refusal without JSON that are read."""


class Answer(msgspec.Struct, Generic[T]):
    """One JSON-RPC answer."""

    id: Any = None
    result: T | msgspec.UnsetType | None = msgspec.UNSET
    error: Any = None


Decoder = msgspec.json.Decoder[Any]


class BatchRefused(Exception):
    """The node does not take so many calls in one request."""


@cache
def decoder_of(kind: Any) -> Decoder:
    """A decoder of answers whose results are of this kind; fields that are not used are skipped while parsing."""
    return msgspec.json.Decoder(Answer[kind] | list[Answer[kind]])


_ANY_ANSWER: Final = decoder_of(Any)


def results_of(reply: Reply, node: Node, decoder: Decoder, calls: Sequence[Call], first_id: int) -> list[Any]:
    """The results of calls with consecutive ids from `first_id`, in order; None for `null`, a NodeError for a refusal.

    Raises BatchRefused if the node does not take several calls in one request, and Unavailable, RateLimited, TooLarge,
    Denied or Inconsistent if the reply as a whole is an error.
    """
    method, several = calls[0][0], len(calls) > 1
    raw = reply.body.removeprefix(BYTE_ORDER_MARK)
    if reply.status >= 400:
        _raise_refusal(reply, raw, method, node, several=several)
    if not raw:
        raise Unavailable(f"HTTP status {reply.status} without an answer")
    answer = _decoded(raw, decoder, method)
    if isinstance(answer, Answer):
        if several:
            raise _refusal_of_batch(answer.error, node)
        answer = [answer]
    if not several:
        return [_result(_answer_of_single(answer, node, first_id), method, node)]
    by_id = {str(item.id): item for item in answer}
    found = [by_id.get(str(first_id + index)) for index in range(len(calls))]
    if None in found:
        raise _refusal_of_batch(answer[0].error if len(answer) == 1 else None, node)
    return [_result(item, method, node) for item, (method, _) in zip(found, calls, strict=True)]


def _decoded(raw: bytes, decoder: Decoder, method: str) -> Any:
    try:
        return parsed(raw, decoder)
    except msgspec.ValidationError as error:
        raise Inconsistent(f"{method}: malformed result ({error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(f"the answer is not JSON ({error})") from error


def _answer_of_single(answers: Sequence[Answer[Any]], node: Node, call_id: int) -> Answer[Any] | None:
    """The answer to a request of one call; its id is compared unless the node does not repeat the ids of requests."""
    if not answers:
        return None
    (answer, *_) = answers
    if str(answer.id) == str(call_id):
        node.foreign_ids = 0
    elif answer.error is None:
        node.foreign_ids += 1
        if node.foreign_ids < MAX_FOREIGN_IDS:
            return None
    return answer


def _result(answer: Answer[Any] | None, method: str, node: Node) -> Any:
    if answer is None or (answer.error is None and answer.result is msgspec.UNSET):
        raise Unavailable(f"no answer to {method}")
    return answer.result if answer.error is None else rpc_error(method, _masked(answer.error, node))


def _masked(error: Any, node: Node) -> dict[str, Any]:
    """Code and message of a JSON-RPC error, without the key of the node's address, which some nodes repeat there."""
    if not isinstance(error, dict):
        error = {"message": error}
    code = error.get("code")
    return {
        "code": code if code is None or isinstance(code, int) else node.mask(str(code)),
        "message": node.mask(str(error.get("message"))),
    }


def _refusal_of_batch(error: Any, node: Node) -> Exception:
    """The meaning of a single error in place of the answers to several calls: too many calls, unless it says
    otherwise."""
    if error is not None:
        refusal = rpc_error("batch", _masked(error, node))
        if isinstance(refusal, RateLimited | Unavailable | TooLarge | Denied):
            return refusal
    return BatchRefused()


def _raise_refusal(reply: Reply, raw: bytes, method: str, node: Node, *, several: bool) -> None:
    """Raise the error of a reply with an HTTP error status: the JSON-RPC error if the body has one, else one for the
    status.

    MegaETH sends JSON-RPC errors with the statuses 400, 403, 429 and 500. Returns normally if the body is to be read as
    the error of a single call.
    """
    error = _error_in(raw)
    if error is not None:
        error = _masked(error, node)
        refusal = rpc_error("batch" if several else method, error)
        if isinstance(refusal, RateLimited) and refusal.retry_after is None:
            refusal.retry_after = reply.retry_after
        if isinstance(refusal, RateLimited | TooLarge | Unavailable | Denied):
            raise refusal
        if reply.status == 429:
            raise RateLimited(refusal.message, reply.retry_after)
        if reply.status in _DENIED_STATUSES and not isinstance(refusal, MethodNotFound):
            raise Denied(method, error)
        if several and reply.status not in (502, 503, 504):
            raise BatchRefused
        if reply.status < 500 or not (several or type(refusal) is RpcError):
            return
    raise _refusal_of_status(reply, raw, method, node, several=several)


def _refusal_of_status(reply: Reply, raw: bytes, method: str, node: Node, *, several: bool) -> Exception:
    """The meaning of an HTTP error status, and, of a request that is refused as such (4xx), of the text with it."""
    status = reply.status
    if status == 429:
        return RateLimited("too many requests (429)", reply.retry_after)
    if several and status in _BATCH_STATUSES:
        return BatchRefused()
    if status in _DENIED_STATUSES:
        return Denied(method, {"code": status, "message": f"HTTP status {status}"})
    text = "" if raw.lstrip().startswith(b"<") else raw[:_MAX_REFUSAL].decode(errors="replace")
    error = {"code": status, "message": node.mask(text)}
    is_refused = status < 500 and status != 408  # which says of the connection that it was slow, not of the logs
    if status == 413 or (is_refused and isinstance(rpc_error(method, error), RangeTooLarge)):
        return TooLarge(method, error)
    return Unavailable(f"HTTP status {status}")


def _error_in(raw: bytes) -> Any:
    """The JSON-RPC error of an answer, or of a list of one; None if it holds none."""
    try:
        answer: Any = parsed(raw, _ANY_ANSWER)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if isinstance(answer, list):
        answer = answer[0] if len(answer) == 1 else Answer[Any]()
    return answer.error


def complete(answers: Sequence[T | RpcError | None]) -> list[T]:
    """All answers; raises the first that is missing or refused.

    Raises RangeTooLarge, TooLarge, Denied, Pruned or MethodNotFound, after which no retry helps, and Inconsistent for
    any other.
    """
    found: list[T] = []
    for answer in answers:
        if isinstance(answer, RangeTooLarge | TooLarge | Denied | Pruned | MethodNotFound):
            raise answer
        if isinstance(answer, RpcError):
            raise Inconsistent(answer.message) from answer
        if answer is None:
            raise Inconsistent("the node does not know a block or transaction that it named before")
        found.append(answer)
    return found
