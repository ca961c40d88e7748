"""Pages while the database is away, slow or read only: a 503 in the site's design, requested again by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import ProgrammingError, connection
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from ghostnet.http.database import PageWithoutDatabase
from indexer.selectors import snapshot
from indexer.store.database import connect
from tests.databases import default_database

PLAYER = "/player/0x" + "ab" * 20


UNUSABLE = {"no_such_database": "database does not answer", "postgres": "is being set up or upgraded"}
"""Databases that can't be used, the second one since it has no tables, and what readers of a page get to know."""


@pytest.fixture(params=UNUSABLE)
def unusable(template: str, django_db_blocker: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """Django's default connection has a database that can't be used, and does again later; what readers learn of it."""
    with django_db_blocker.unblock(), default_database(request.param):
        yield UNUSABLE[request.param]


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
def test_a_page_without_a_database_is_asked_for_again(
    path: str, unusable: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    client.cookies["sessionid"] = "a session of an operator, in the database"
    text = checked(client.get(path))
    assert '<meta http-equiv="refresh" content="5">' in text
    assert unusable in text
    assert "no_such_database" not in text
    assert client.head(path).status_code == 503
    assert not any(line.exc_info for line in caplog.records)


@pytest.mark.parametrize("path", ["/?part=board", "/api/v1/network", f"/api/v1/positions/{PLAYER[8:]}"])
def test_an_answer_without_a_database_is_a_problem_that_passes(
    path: str, unusable: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert ("set up" in unusable) == ("set up" in answer.json()["detail"])
    assert not any(line.exc_info for line in caplog.records)
    assert ("Run `manage.py migrate`" in caplog.text) == ("set up" in unusable)


def test_a_page_that_takes_too_long_says_so(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = snapshot._BEGIN.replace(f"'{snapshot.QUERY_TIMEOUT}'", "'20ms'")
    assert begin != snapshot._BEGIN
    monkeypatch.setattr(snapshot, "_BEGIN", begin)
    with connect() as other, other.transaction():
        other.execute("LOCK TABLE checkpoints")
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
