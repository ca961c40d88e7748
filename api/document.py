"""The OpenAPI document, as it is served and as it is kept in the repository, and a view of documents."""

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from ghostnet.http.headers import LIMIT_HEADERS, RETRY_AFTER, STATE_HEADERS
from ghostnet.http.problems import phrase, problem

PROBLEM: Final = "application/problem+json"
MAY_BE_RETRIED: Final = (HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class GhostnetAPI(NinjaAPI):
    """NinjaAPI, with the headers of answers and one definition of each error, which it has no way to declare."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        errors = document["components"]["responses"] = dict[str, Any]()
        for path in document["paths"].values():
            responses = path["get"]["responses"]
            for status, response in responses.items():
                if status == HTTPStatus.OK:
                    response["headers"] = _described(STATE_HEADERS)
                else:
                    name = phrase(status).replace(" ", "")
                    errors[name] = _problem_response(status, response["content"]["application/json"])
                    responses[status] = {"$ref": f"#/components/responses/{name}"}
        return document


def _problem_response(status: int, content: dict[str, Any]) -> dict[str, Any]:
    """The document's definition of an error. A request whose head is too long is refused before its path and client are
    known, so that answer has no headers of block and limit."""
    headers = {name: text for name, text in STATE_HEADERS.items() if name != "ETag"} | LIMIT_HEADERS
    if status in MAY_BE_RETRIED:
        headers |= RETRY_AFTER
    if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        headers = {}
    return {"description": phrase(status), "headers": _described(headers), "content": {PROBLEM: content}}


def _described(headers: dict[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}


def document_view(
    make: Callable[[], bytes], content_type: str = "application/json"
) -> Callable[[HttpRequest], HttpResponse]:
    """A view of a document, which takes no parameters, and makes it once: that takes up to a quarter of a second."""
    text = cache(make)

    def view(request: HttpRequest) -> HttpResponse:
        if request.GET:
            problems = [(name, "there is no such parameter") for name in request.GET]
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the document has no parameters", problems)
        tag = blake2b(text(), digest_size=16).hexdigest()
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        return HttpResponse(text(), content_type=content_type, headers=headers)

    return view


def openapi_json(api: NinjaAPI) -> bytes:
    """The document as text that stays the same as long as the API does."""
    encoded = msgspec.json.encode(msgspec.to_builtins(dict(api.get_openapi_schema()), str_keys=True), order="sorted")
    return msgspec.json.format(encoded, indent=2) + b"\n"
