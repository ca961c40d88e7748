"""Django's side of the caching frontend: from an ASGI scope to an answer, on a thread, without Django's middleware.

Sessions, users and CSRF tokens would cost more than half of an answer's time, and the API has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Final, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.urls import resolve
from opentelemetry.trace import get_current_span
from starlette.types import Scope

from ghostnet.http.headers import set_state_headers
from ghostnet.http.problems import problem
from indexer.base.tracing import TRACER
from indexer.selectors.snapshot import IndexedBlock

UNKNOWN: Final = "unknown"
"""The endpoint, in the metrics, of paths that don't exist."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is sent; `endpoint` is the path's pattern, `tag` the ETag, `block` the one whose state it is.

    The last two are None for none.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    endpoint: str
    tag: str | None = None
    block: IndexedBlock | None = None

    @property
    def may_be_kept(self) -> bool:
        """Whether it depends on the state of its block alone, or has a tag of its own."""
        return (b"Cache-Control", b"no-store") not in self.headers and (self.block or self.tag) is not None


@TRACER.start_as_current_span("answer")
def respond(scope: Scope) -> Answer:
    """Answer a request for a path that Django's URLs know; blocks on the database."""
    request = ASGIRequest(dict(scope), BytesIO())
    get_current_span().set_attribute("url.path", request.path)
    response = _compressed(request)
    block: IndexedBlock | None = getattr(request, "indexed_block", None)
    if block is not None:
        set_state_headers(response, block)
    return answer_of(response, request.resolver_match.route if request.resolver_match else UNKNOWN, block)


def answer_of(response: HttpResponse, endpoint: str, block: IndexedBlock | None = None) -> Answer:
    """Django's response as an answer."""
    response["Content-Length"] = str(len(response.content))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    return Answer(response.status_code, headers, response.content, endpoint, response.get("ETag"), block)


def _view(request: HttpRequest) -> HttpResponse:
    try:
        match = resolve(request.path_info)
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except Http404:
        return problem(HTTPStatus.NOT_FOUND, "there is no such path; /api/v1/docs lists all")
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are allowed", headers={"Allow": "GET, HEAD"})
    return response


_compressed: Final = cast("Callable[[HttpRequest], HttpResponse]", GZipMiddleware(_view))
