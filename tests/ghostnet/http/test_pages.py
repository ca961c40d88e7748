"""Django's pages are made on a thread, each in one go."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ghostnet.http.pages import ThreadedPages

SCOPE = {"type": "http", "method": "GET", "query_string": b"", "headers": [(b"host", b"localhost")], "root_path": ""}
REQUEST = {"type": "http.request", "body": b"", "more_body": False}


class CountedPages(ThreadedPages):
    """Pages whose way to a thread is counted."""

    went = 0

    def _answer(self, *request: Any) -> Any:
        self.went += 1
        return super()._answer(*request)


@pytest.fixture
def pages() -> Iterator[CountedPages]:
    found = CountedPages(1)
    yield found
    found._threads.shutdown()


def sent(pages: ThreadedPages, path: str, *messages: dict[str, Any]) -> list[Any]:
    """What is sent to a client from which these messages have come."""
    found = list[Any]()

    async def work() -> None:
        came = asyncio.Queue[Any]()
        for message in messages:
            came.put_nowait(message)

        async def send(message: Any) -> None:
            found.append(message)

        await pages({**SCOPE, "path": path}, came.get, send)

    asyncio.run(asyncio.wait_for(work(), 150))
    return found


def test_a_page_is_made_in_one_go_with_all_of_its_headers_and_cookies(pages: CountedPages) -> None:
    start, body = sent(pages, "/admin/login/", {**REQUEST, "more_body": True}, REQUEST)
    assert (start["status"], pages.went) == (200, 1)
    names = [name.lower() for name, _ in start["headers"]]
    assert {b"set-cookie", b"content-security-policy", b"x-content-type-options"} <= set(names)
    assert b"csrfmiddlewaretoken" in body["body"]


def test_a_file_is_sent_whole(pages: CountedPages) -> None:
    start, body = sent(pages, "/static/ghostnet/live.js", REQUEST)
    assert int(dict(start["headers"])[b"Content-Length"]) == len(body["body"]) > 0


def test_who_is_gone_is_not_answered(pages: CountedPages) -> None:
    gone = {"type": "http.disconnect"}
    assert sent(pages, "/admin/login/", REQUEST, gone) == []
    assert sent(pages, "/admin/login/", {**REQUEST, "more_body": True}, gone) == []
    assert pages.went == 0
