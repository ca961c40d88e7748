"""Problem documents (RFC 9457): how every error of the API, and of what serves it, goes out."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
import psycopg
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

Problems = Sequence[tuple[str, str]]
"""Parameters, and what is wrong with each."""


_RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase(status: int) -> str:
    """A status in words, those of RFC 9110 in every version of Python."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def problem(
    status: HTTPStatus, detail: str, errors: Problems = (), headers: dict[str, str] | None = None
) -> HttpResponse:
    """A problem document as a response."""
    document: dict[str, Any] = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    if errors:
        document["errors"] = [{"parameter": name, "message": message} for name, message in errors]
    return HttpResponse(
        msgspec.json.encode(document), status=status, content_type="application/problem+json", headers=headers
    )


def took_too_long(error: Exception) -> bool:
    """Whether the database gave a query up for the time that it took."""
    return isinstance(error.__cause__, psycopg.errors.QueryCanceled)


def database_trouble(request: HttpRequest, error: Exception) -> HttpResponse:
    """What to say when the database is away, or does not answer in time."""
    logger.warning("%s could not be answered: %s", request.path, error)
    detail = "the answer took too long" if took_too_long(error) else "the database is away"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
