"""What an answer does about a database that is away or slow."""

import logging
from collections.abc import Callable
from http import HTTPStatus

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from ghostnet.http.problems import problem

logger = logging.getLogger(__name__)


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


def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """The 503 for a database that is away, or does not answer in time."""
    logger.warning("%s could not be answered: %s", request.path, error)
    detail = "the answer took too long" if took_too_long(error) else "the database is away"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
