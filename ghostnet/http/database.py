"""Answers while the database is away or slow."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import psycopg
from django.db import Error, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ghostnet.http.problems import problem
from ghostnet.http.retry_page import retry_page
from indexer.store.database import DatabaseAway, DatabaseReadOnly, DatabaseUnusable, failure_of
from indexer.store.schema import SchemaMismatch, schema_failure

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5
_RETRY: Final = {"Retry-After": str(RETRY_SECONDS)}


def retry_on_lost_connection(read: Callable[[], HttpResponse]) -> HttpResponse:
    """An answer read from the database; read once more, on a new connection, if the connection turns out to be lost.

    The server may have been restarted since the last answer. Raises django.db.OperationalError and InterfaceError if
    the second attempt fails too, or if the first one was cancelled for the time that it took.
    """
    try:
        return read()
    except (OperationalError, InterfaceError) as error:
        if took_too_long(error):
            raise
        connection.close()
        return read()


def took_too_long(error: Exception) -> bool:
    """Whether the server cancelled the query for the time that it took."""
    return isinstance(error.__cause__, psycopg.errors.QueryCanceled)


def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The 503 for a database that is away, does not answer in time, or is not migrated; None for any other error."""
    failure = _failure(request, error)
    if failure is None:
        return None
    detail = "the database is away"
    if took_too_long(error):
        detail = "the answer took too long"
    elif isinstance(failure, SchemaMismatch):
        detail = "the service is being set up or upgraded"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=_RETRY)


class PageWithoutDatabase(MiddlewareMixin):
    """A page that the database can't be used for is a 503 in the site's design, which a browser asks for again by
    itself."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        failure = _failure(request, error)
        if failure is None:
            return None
        page = retry_page(_reason(failure, error), request.method or "", RETRY_SECONDS)
        return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY | {"Cache-Control": "no-store"})


def _reason(failure: DatabaseUnusable, error: Exception) -> str:
    """The reason why the database can't be used, for readers of a page."""
    if isinstance(failure, DatabaseReadOnly):
        return "Nothing can be stored at the moment."
    if isinstance(failure, SchemaMismatch):
        return "The site is being set up or upgraded."
    if took_too_long(error):
        return "This page took too long to make."
    return "The database does not answer at the moment."


def _failure(request: HttpRequest, error: Exception) -> DatabaseUnusable | None:
    """Why the database can't be used, which is logged; None for an error of another kind."""
    failure: DatabaseUnusable | None = None
    if isinstance(error, InterfaceError):
        failure = DatabaseAway(str(error))
    elif isinstance(error, Error):
        failure = failure_of(error) or schema_failure(error)
    if failure is not None:
        why = f"{failure.message}. {failure.help}" if isinstance(failure, SchemaMismatch) else error
        logger.warning("%s could not be answered: %s", request.path, why)
    return failure
