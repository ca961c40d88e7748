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

from ghostnet.http.headers import STATE_HEADERS
from ghostnet.http.problems import phrase, problem

PROBLEM: Final = "application/problem+json"


class GhostnetAPI(NinjaAPI):
    """NinjaAPI, with the headers of answers and the content type of errors, which it has no way to declare."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for path in document["paths"].values():
            for status, response in path["get"]["responses"].items():
                if status == 200:
                    response["headers"] = {
                        name: {"description": text, "schema": {"type": "string"}}
                        for name, text in STATE_HEADERS.items()
                    }
                else:
                    response["description"] = phrase(status)
                    response["content"] = {PROBLEM: response["content"].pop("application/json")}
        return document


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
