"""Answers as they are sent: compressed once, or not at all."""

import gzip
import random

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.decorators.gzip import gzip_page

from ghostnet.http.handler import answer_of

TEXT = random.Random(1).randbytes(5_000).hex().encode()


def page(_: HttpRequest) -> HttpResponse:
    return HttpResponse(TEXT)


@pytest.mark.parametrize("compresses_itself", [False, True])
def test_an_answer_is_compressed_once(compresses_itself: bool) -> None:
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    response = gzip_page(page)(request) if compresses_itself else page(request)
    for _ in range(20):  # what is compressed twice is smaller by chance only, by the padding of the first time
        answer = answer_of(response, "/", gzip=True)
        headers = dict(answer.headers)
        assert gzip.decompress(answer.body) == TEXT
        assert (headers[b"Content-Encoding"], headers[b"Vary"]) == (b"gzip", b"Accept-Encoding")
        assert int(headers[b"Content-Length"]) == len(answer.body)


def test_an_answer_is_not_compressed_unasked() -> None:
    answer = answer_of(HttpResponse(TEXT), "/")
    assert answer.body == TEXT
    assert b"Content-Encoding" not in dict(answer.headers)
    assert dict(answer.headers)[b"Vary"] == b"Accept-Encoding"
