"""Django's side of the caching frontend: from an ASGI scope to an answer, on a thread, without Django's middleware.

Sessions, users and CSRF tokens would cost more than half of an answer's time, and the API has none.
"""

from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Final

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.text import compress_string
from opentelemetry.trace import get_current_span
from starlette.types import Scope

from ghostnet.http.headers import state_headers
from ghostnet.http.problems import problem
from indexer.base.tracing import TRACER
from indexer.selectors.snapshot import IndexedBlock

UNKNOWN: Final = "unknown"
"""The endpoint, in the metrics, of paths that don't exist."""
MIN_COMPRESSED_BYTES: Final = 200
"""Bytes of a body that is worth compressing."""
MAX_PADDING_BYTES: Final = 100
"""Random bytes of a compressed answer, so that its length does not reveal its content (BREACH)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it is sent; `endpoint` is the path's pattern.

    `tag` is the ETag, and `block` the block whose state the response shows; both may be None.
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
    """Answer a request for a path that one of Django's URLs matches; blocks on the database."""
    request = ASGIRequest(dict(scope), BytesIO())
    get_current_span().set_attribute("url.path", request.path)
    response = _view(request)
    block: IndexedBlock | None = getattr(request, "indexed_block", None)
    return answer_of(
        response,
        (request.resolver_match.route or "/") if request.resolver_match else UNKNOWN,
        block,
        gzip=any(name == b"accept-encoding" for name, _ in scope["headers"]),
    )


def answer_of(
    response: HttpResponse, endpoint: str, block: IndexedBlock | None = None, *, gzip: bool = False
) -> Answer:
    """Django's response as an answer; for `block` and `gzip` see `answer`."""
    return answer(response.status_code, dict(response.items()), response.content, endpoint, block, gzip=gzip)


def answer(
    status: int, headers: dict[str, str], body: bytes, endpoint: str, block: IndexedBlock | None, *, gzip: bool
) -> Answer:
    """An answer with the headers that depend on its content, and on the block whose state it is, None for none.

    Compressed if `gzip` allows it, as Django's GZipMiddleware does it.
    """
    if len(body) >= MIN_COMPRESSED_BYTES and "Content-Encoding" not in headers:  # a page's view compresses by itself
        headers["Vary"] = ", ".join([*filter(None, [headers.get("Vary")]), "Accept-Encoding"])
        compressed = compress_string(body, max_random_bytes=MAX_PADDING_BYTES) if gzip else body
        if len(compressed) < len(body):
            body = compressed
            headers["Content-Encoding"] = "gzip"
            if "ETag" in headers:
                headers["ETag"] = "W/" + headers["ETag"].removeprefix("W/")
    if block is not None:
        headers = {"Cache-Control": "no-cache", **headers, **state_headers(block)}
    headers["Content-Length"] = str(len(body))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(status, encoded, body, endpoint, headers.get("ETag"), block)


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
