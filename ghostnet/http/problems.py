"""Problem documents (RFC 9457): the form of every error of the API and of its server."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from django.http import HttpResponse

Problems = Sequence[tuple[str, str]]
"""Parameters, and what is wrong with each."""

_RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase(status: int) -> str:
    """The reason phrase of a status as RFC 9110 has it, in every version of Python."""
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
