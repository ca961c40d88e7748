"""One answer: from one snapshot of the database, with the block that it tells of in its headers."""

import inspect
from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Final, get_args, get_origin

from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from api.errors import BadInput, NothingToServe, NotYetIndexed
from api.inputs import MinBlockIn
from api.schemas import Problem
from indexer.models import Checkpoint
from indexer.selectors import overview

CACHED_SECONDS: Final = 60
PROBLEMS: Final = {422: Problem, 425: Problem, 429: Problem, 503: Problem}

View = Callable[..., Any]


def get(router: Router, path: str, shape: Any, summary: str) -> Callable[[View], View]:
    """Serve a view that returns what `shape` describes: `view(checkpoint, **parameters)`.

    The view runs in a snapshot in which `checkpoint` is the last block; all that it reads is of that block. Its
    parameters, and `min_block`, are the only ones that are accepted. Answers are kept by block, so one of a block that
    is not the last any more is never sent.
    """

    def register(view: View) -> View:
        adapter: TypeAdapter[Any] = TypeAdapter(shape)
        parameters = list(inspect.signature(view).parameters.values())[1:]
        known = {_query_name(parameter) for parameter in parameters} | {"min_block"}

        @wraps(view)
        def respond(request: HttpRequest, min_block: int | None = None, **inputs: Any) -> HttpResponse:
            _refuse_unknown(request, known)
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                checkpoint = _checkpoint(min_block)
                tag = _tag(request, checkpoint)
                if request.headers.get("If-None-Match") in (tag, "*"):
                    return _with_headers(HttpResponse(status=HTTPStatus.NOT_MODIFIED), tag, checkpoint)
                body = cache.get(tag)
                if body is None:
                    body = adapter.dump_json(adapter.validate_python(view(checkpoint, **inputs), from_attributes=True))
                    cache.set(tag, body, CACHED_SECONDS)
            return _with_headers(HttpResponse(body, content_type="application/json"), tag, checkpoint)

        respond.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                *parameters,
                inspect.Parameter("min_block", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=MinBlockIn),
            ]
        )
        router.get(path, response={200: shape, **PROBLEMS}, summary=summary, url_name=view.__name__)(respond)
        return view

    return register


def _query_name(parameter: inspect.Parameter) -> str:
    if get_origin(parameter.annotation) is Annotated:
        for extra in get_args(parameter.annotation)[1:]:
            if isinstance(extra, FieldInfo) and extra.alias:
                return extra.alias
    return parameter.name


def _refuse_unknown(request: HttpRequest, known: set[str]) -> None:
    """A typo must not silently change the answer. Raises BadInput."""
    problems = [(name, "there is no such parameter") for name in request.GET if name not in known]
    problems += [(name, "given more than once") for name, values in request.GET.lists() if len(values) > 1]
    if problems:
        raise BadInput(problems)


def _checkpoint(min_block: int | None) -> Checkpoint:
    checkpoint = overview.checkpoint()
    if checkpoint is None:
        raise NothingToServe("nothing is indexed yet")
    if min_block is not None and checkpoint.block_number < min_block:
        raise NotYetIndexed(f"block {min_block} is not indexed yet, {checkpoint.block_number} is the last one")
    return checkpoint


def _tag(request: HttpRequest, checkpoint: Checkpoint) -> str:
    """What the answer depends on: the question, and the state that a commit has left."""
    state = f"{request.get_full_path()} {checkpoint.block_hash} {checkpoint.indexed_at.isoformat()}"
    return f'"{blake2b(state.encode(), digest_size=16).hexdigest()}"'


def _with_headers(response: HttpResponse, tag: str, checkpoint: Checkpoint) -> HttpResponse:
    response["ETag"] = tag
    response["Cache-Control"] = "no-cache"
    response["X-Indexed-Block"] = str(checkpoint.block_number)
    response["X-Indexed-At"] = checkpoint.block_time.isoformat().replace("+00:00", "Z")
    return response
