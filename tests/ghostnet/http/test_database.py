"""Pages whose database is away, slow or read only: a 503 in the site's design, asked for again by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import ProgrammingError, connection
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from ghostnet.http.database import PageWithoutDatabase
from indexer.store.database import connect
from tests.databases import default_database

PLAYER = "/player/0x" + "ab" * 20


@pytest.fixture
def nowhere(template: str, django_db_blocker: Any) -> Iterator[None]:
    """Django's default connection has no database."""
    with django_db_blocker.unblock(), default_database("no_such_database"):
        yield


def checked(answer: Any) -> str:
    """The text of the page for a time without a database."""
    text: str = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Content-Security-Policy"]
    assert 'href="/static/ghostnet/ghostnet.css"' in text
    return text


@pytest.mark.parametrize("path", ["/", PLAYER, "/scan/1/1", "/admin/"])
@pytest.mark.usefixtures("nowhere")
def test_a_page_without_a_database_is_asked_for_again(path: str) -> None:
    client = Client()
    client.cookies["sessionid"] = "a session of an operator, in the database"
    text = checked(client.get(path))
    assert '<meta http-equiv="refresh" content="5">' in text
    assert "The database does not answer" in text
    assert "no_such_database" not in text
    assert client.head(path).status_code == 503


def test_a_page_that_takes_too_long_says_so(database: str) -> None:
    with connect() as other, other.transaction(), connection.cursor() as cursor:
        other.execute("LOCK TABLE checkpoints")
        cursor.execute("SET statement_timeout = '20ms'")
        assert "took too long" in checked(Client().get("/"))


def test_a_form_that_can_not_be_stored_is_not_sent_again_by_itself(database: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    form = {"username": "operator", "password": "wrong"}
    text = checked(async_to_sync(AsyncClient().post)("/admin/login/", form))
    assert "Nothing can be stored" in text
    assert "refresh" not in text


@pytest.mark.usefixtures("database")
def test_a_fault_of_our_own_stays_one() -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError) as caught:
        cursor.execute("SELECT FROM nowhere")
    page = PageWithoutDatabase(lambda request: HttpResponse())
    assert page.process_exception(RequestFactory().get("/"), caught.value) is None
    assert page.process_exception(RequestFactory().get("/"), ValueError()) is None
