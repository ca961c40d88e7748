"""The OpenAPI document is the contract: complete, true, and usable by machines."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from requests import Request, Session

from api.api import api
from api.document import openapi_json
from ghostnet.http.bodies import MAX_PARAMETERS
from ghostnet.http.connections import MAX_HEAD_BYTES
from tests.paths import OPENAPI
from tests.web import WebClient

PATHS = sorted(json.loads(OPENAPI.read_text())["paths"])


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """Each path's operation; the library is loaded by who runs these tests only: it takes a second."""
    document = import_module("schemathesis").openapi.from_path(str(OPENAPI))
    found = (result.ok() for result in document.get_all_operations())
    return {operation.path: operation for operation in found}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """One connection for all cases, which looks up no proxies."""
    with Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("path", PATHS)
def test_no_answer_violates_the_document(
    client: WebClient, operations: dict[str, Any], session: Session, path: str, mode: str
) -> None:
    """Values that the document allows and values that it does not: none makes the server fail, and each answer has a
    status, a content type and a shape that the document names."""
    generation = import_module("schemathesis").GenerationMode(mode)
    excluded = [import_module("schemathesis.specs.openapi.checks").positive_data_acceptance]

    @given(case=operations[path].as_strategy(generation_mode=generation))
    @settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        # An address that is too long, or has too many parameters, is refused before it is known what it asks.
        parts = case.as_transport_kwargs(client.url)
        sent = Request(**{name: parts[name] for name in ("method", "url", "params")})
        url = sent.prepare().url or ""
        assume(len(url) < MAX_HEAD_BYTES // 2 and url.count("&") < MAX_PARAMETERS)
        # That a block is not indexed yet, or a cursor no list's, is nothing that a document could say.
        case.call_and_validate(base_url=client.url, session=session, excluded_checks=excluded)

    ask()


def test_the_file_is_the_document() -> None:
    assert OPENAPI.read_bytes() == openapi_json(api), "run `make openapi`, and look at the difference"


def test_everything_is_described_with_an_example() -> None:
    document = json.loads(OPENAPI.read_text())
    assert document["servers"]
    for name, shape in document["components"]["schemas"].items():
        for part, text in shape.get("properties", {}).items():
            assert text.get("description") or "$ref" in text, f"{name}.{part} says nothing of itself"
            assert "examples" in text or "$ref" in json.dumps(text), f"{name}.{part} has no example"
        assert shape.get("description") or "enum" in shape, f"{name} says nothing of itself"
    for path, operation in document["paths"].items():
        assert operation["get"]["summary"], path
        assert operation["get"]["description"], path
        for parameter in operation["get"]["parameters"]:
            assert parameter.get("description"), f"{path} {parameter['name']}"
