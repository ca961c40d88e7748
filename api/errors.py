"""The API's errors, each sent as a problem document."""

import logging
from http import HTTPStatus
from typing import Any

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError

from api.inputs import FIRST_TIME, LAST_TIME, WORDING
from ghostnet.http.database import database_unavailable
from ghostnet.http.problems import Problems, problem
from indexer.base.errors import GhostnetError
from indexer.selectors.periods import BadRange

logger = logging.getLogger(__name__)


class BadInput(GhostnetError):
    """Parameters that can't be used."""

    help = "/api/v1/docs lists the parameters of each path."

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {message}" for name, message in problems))


class NotYetIndexed(GhostnetError):
    """The block that the client asks for by `min_block` is not indexed yet."""

    help = "Ask again in a moment."


class NothingToServe(GhostnetError):
    """The database holds no chain yet."""

    help = "Start the indexer, or wait until it has its first block."


def wording(error: dict[str, Any]) -> str:
    """What is wrong with a parameter, by pydantic's error."""
    match error["type"]:
        case "string_pattern_mismatch":
            return WORDING.get(error["ctx"]["pattern"], str(error["msg"]))
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
        case "missing":
            return "this parameter is required"
        case "greater_than_equal" | "less_than_equal" if error["loc"][-1] in ("from", "to"):
            return f"times from {FIRST_TIME:%Y-%m-%d} to {LAST_TIME:%Y-%m-%d} are answered"
    return str(error["msg"])


def handle_errors(api: NinjaAPI) -> None:
    """Make every error of the API a problem document."""

    @api.exception_handler(BadInput)
    def bad_input(request: HttpRequest, error: BadInput) -> HttpResponse:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, error.problems)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return bad_input(request, BadInput([(str(one["loc"][-1]), wording(one)) for one in error.errors]))

    @api.exception_handler(BadRange)
    def bad_range(request: HttpRequest, error: BadRange) -> HttpResponse:
        return bad_input(request, BadInput([("from", error.message)]))

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(HTTPStatus.NOT_FOUND, str(error))

    @api.exception_handler(NotYetIndexed)
    def too_early(request: HttpRequest, error: NotYetIndexed) -> HttpResponse:
        return problem(HTTPStatus.TOO_EARLY, error.message, headers={"Retry-After": "1"})

    @api.exception_handler(NothingToServe)
    def nothing_indexed(request: HttpRequest, error: NothingToServe) -> HttpResponse:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message, headers={"Retry-After": "5"})

    @api.exception_handler(Error)
    def database_error(request: HttpRequest, error: Error) -> HttpResponse:
        return database_unavailable(request, error) or unexpected(request, error)

    @api.exception_handler(Exception)
    def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.error("%s failed", request.get_full_path(), exc_info=error)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; it has been logged")
