"""Answers of the API, each from one snapshot of the database and about one block."""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Annotated, Any, Final, get_args, get_origin

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from api.errors import BadInput, NothingToServe, NotYetIndexed
from api.inputs import MinBlockIn
from api.schemas import Problem
from ghostnet.http.database import retry_on_lost_connection
from indexer.selectors.snapshot import IndexedBlock, snapshot

PROBLEMS: Final = {404: Problem, 422: Problem, 425: Problem, 429: Problem, 431: Problem, 503: Problem}

ROWS_AT_ONCE: Final = 100
"""Rows of a list that are turned into JSON together, which takes about 0.3 ms."""

_DIGITS: Final = re.compile("0|[1-9][0-9]*")

View = Callable[..., Any]
AcceptBlock = Callable[[IndexedBlock | None], IndexedBlock]
"""Takes the last block of a snapshot as the one that the answer is about. Raises NothingToServe for None, NotYetIndexed
for one below `min_block`."""


def get(
    router: Router, path: str, shape: Any, summary: str, *, changes_between_commits: bool = False
) -> Callable[[View], View]:
    """Serve a view that returns what `shape` describes, or rows that have its fields as attributes:
    `view(checkpoint, **parameters)`.

    The view runs in a snapshot in which `checkpoint` is the last block; all that it reads is of that block. Its
    parameters, and `min_block`, are the only ones that are accepted. Answers that change between commits are not kept.
    """

    def register(view: View) -> View:
        def read(accept: AcceptBlock, **inputs: Any) -> Any:
            with snapshot() as block:
                return view(accept(block), **inputs)

        _serve(router, path, shape, summary, view=view, read=read, keep=not changes_between_commits)
        return view

    return register


def get_with_own_snapshot(router: Router, path: str, shape: Any, summary: str) -> Callable[[View], View]:
    """As `get`, for a view that reads in a snapshot of its own: `view(accept, **parameters)`.

    It calls `accept` with that snapshot's last block, and gets the checkpoint, before it looks at anything else.
    """

    def register(view: View) -> View:
        _serve(router, path, shape, summary, view=view, read=view)
        return view

    return register


def _serve(router: Router, path: str, shape: Any, summary: str, *, view: View, read: View, keep: bool = True) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(shape)
    min_block_in = inspect.Parameter("min_block", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=MinBlockIn)
    parameters = [*list(inspect.signature(view).parameters.values())[1:], min_block_in]
    known = {_query_name(parameter): _is_whole(parameter) for parameter in parameters}

    def answer(request: HttpRequest, min_block: int | None, inputs: dict[str, Any]) -> HttpResponse:
        checkpoint: IndexedBlock

        def accept(block: IndexedBlock | None) -> IndexedBlock:
            nonlocal checkpoint
            checkpoint = _reached(block, min_block)
            request.indexed_block = checkpoint  # type: ignore[attr-defined]
            return checkpoint

        found = read(accept, **inputs)
        body, headers = content_of(adapter, found, request.get_full_path(), checkpoint, keep=keep)
        return HttpResponse(body, headers=headers)

    @wraps(view)
    def respond(request: HttpRequest, min_block: int | None = None, **inputs: Any) -> HttpResponse:
        _check_parameters(request, known)
        return retry_on_lost_connection(lambda: answer(request, min_block, inputs))

    respond.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    router.get(path, response={200: shape, **PROBLEMS}, summary=summary, url_name=view.__name__)(respond)


def content_of(
    adapter: TypeAdapter[Any], found: Any, url: str, checkpoint: IndexedBlock, *, keep: bool = True
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an answer to a request for a URL (path and query): what was found for a block, in the
    adapter's shape. One that changes between commits is not kept."""
    body = _json(adapter, found)
    headers = {"Content-Type": "application/json", "ETag": _tag(url, checkpoint, b"" if keep else body)}
    return body, headers if keep else headers | {"Cache-Control": "no-store"}


def _json(adapter: TypeAdapter[Any], found: Any) -> bytes:
    """What was found as JSON. A list in parts: each call holds the interpreter's lock, and keeps all of its objects,
    until it ends, which for thousands of rows are milliseconds in which the event loop stands still."""

    def text_of(part: Any) -> bytes:
        return adapter.dump_json(adapter.validate_python(part, from_attributes=True))

    if not isinstance(found, list):
        return text_of(found)
    parts = (found[start : start + ROWS_AT_ONCE] for start in range(0, len(found), ROWS_AT_ONCE))
    return b"[%b]" % b",".join(text_of(part)[1:-1] for part in parts)


def _query_name(parameter: inspect.Parameter) -> str:
    if get_origin(parameter.annotation) is Annotated:
        for extra in get_args(parameter.annotation)[1:]:
            if isinstance(extra, FieldInfo) and extra.alias:
                return extra.alias
    return parameter.name


def _is_whole(parameter: inspect.Parameter) -> bool:
    kind = get_args(parameter.annotation)[0] if get_origin(parameter.annotation) is Annotated else None
    return int in (kind, *get_args(kind))


def _check_parameters(request: HttpRequest, known: dict[str, bool]) -> None:
    """Raise BadInput for parameters that the path does not have: a typo must not silently change the answer.

    `known` says of each whether it is a whole number, which has one form: pydantic takes `1_0`, `5.0` and ` 5` too.
    """
    in_path = request.resolver_match.kwargs if request.resolver_match else {}
    given = request.GET.dict() | in_path
    wanted = ", ".join(name for name in known if name not in in_path)
    problems = [
        (name, f"there is no such parameter; this path has {wanted}")
        for name in request.GET
        if name not in known or name in in_path
    ]
    problems += [(name, "given more than once") for name, values in request.GET.lists() if len(values) > 1]
    problems += [
        (name, "whole numbers are written in digits only, without leading zeros")
        for name, text in given.items()
        if known.get(name) and not _DIGITS.fullmatch(text)
    ]
    if problems:
        raise BadInput(problems)


def _reached(checkpoint: IndexedBlock | None, min_block: int | None) -> IndexedBlock:
    if checkpoint is None:
        raise NothingToServe("nothing is indexed yet")
    if min_block is not None and checkpoint.block_number < min_block:
        raise NotYetIndexed(f"block {min_block} is not indexed yet, {checkpoint.block_number} is the last one")
    return checkpoint


def _tag(url: str, checkpoint: IndexedBlock, body: bytes) -> str:
    """The ETag: of all that the answer depends on, which are the URL and the state that a commit has left, and `body`
    where that changes besides."""
    state = f"{url} {checkpoint.block_hash} {checkpoint.revision} "
    return f'"{blake2b(state.encode() + body, digest_size=16).hexdigest()}"'
