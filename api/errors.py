"""Errors as problem documents (RFC 9457)."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
import psycopg
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from indexer.errors import GhostnetError
from indexer.selectors.periods import BadRange

logger = logging.getLogger(__name__)

Problems = Sequence[tuple[str, str]]
"""Parameters, and what is wrong with each."""


class BadInput(GhostnetError):
    """Parameters that can't be used."""

    help = "/api/v1/docs lists the parameters of each path."

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} parameter{'s'[: len(problems) > 1]} can't be used")


class NotYetIndexed(GhostnetError):
    """The block that the client wants to see is not indexed."""

    help = "Ask again in a moment."


class NothingToServe(GhostnetError):
    """The database holds no chain yet."""

    help = "Start the indexer, or wait until it has its first block."


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


def handle_errors(api: NinjaAPI) -> None:
    """Let every error of the API go out as a problem document."""

    @api.exception_handler(BadInput)
    def bad(request: HttpRequest, error: BadInput) -> HttpResponse:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, error.problems)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return bad(request, BadInput([(str(one["loc"][-1]), one["msg"]) for one in error.errors]))

    @api.exception_handler(BadRange)
    def bad_range(request: HttpRequest, error: BadRange) -> HttpResponse:
        return bad(request, BadInput([("from", error.message)]))

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(HTTPStatus.NOT_FOUND, str(error))

    @api.exception_handler(NotYetIndexed)
    def early(request: HttpRequest, error: NotYetIndexed) -> HttpResponse:
        return problem(HTTPStatus.TOO_EARLY, error.message, headers={"Retry-After": "1"})

    @api.exception_handler(NothingToServe)
    def empty(request: HttpRequest, error: NothingToServe) -> HttpResponse:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message, headers={"Retry-After": "5"})

    api.exception_handler(OperationalError)(database_trouble)
    api.exception_handler(InterfaceError)(database_trouble)

    @api.exception_handler(Exception)
    def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.error("%s failed", request.get_full_path(), exc_info=error)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is our fault, and in our log")
