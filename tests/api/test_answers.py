"""What holds for every answer: headers, 304, reading one's own write, errors that name what is wrong."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import pytest
from pydantic import BeforeValidator, TypeAdapter

from api.answers import ROWS_AT_ONCE, content_of
from api.schemas.base import Wei
from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from indexer.selectors.snapshot import IndexedBlock
from tests.api.answers import problem_of
from tests.api.paths import PATHS, PLAYER, TRANSACTION
from tests.paths import OPENAPI
from tests.web import WebClient, web


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_names_its_block_and_is_sent_once(
    client: WebClient, season: list[RecordedBlock], path: str
) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Indexed-Block"] == "1007"
    assert datetime.fromisoformat(answer["X-Indexed-At"]).timestamp() == season[1007].timestamp
    again = client.get(f"/api/v1{path}", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/api/v1{with_query(path, 'min_block=1007')}").json() == answer.json()


@pytest.mark.parametrize("path", PATHS)
def test_a_block_that_is_not_there_yet_is_too_early(client: WebClient, path: str) -> None:
    answer = client.get(f"/api/v1{with_query(path, 'min_block=1008')}")
    assert answer.status_code == 425
    assert int(answer["Retry-After"]) > 0
    assert problem_of(answer)["detail"] == "block 1008 is not indexed yet, 1007 is the last one"


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_an_error(client: WebClient, path: str) -> None:
    answer = client.get(f"/api/v1{with_query(path, 'limt=3')}")
    assert answer.status_code == 422
    assert problem_of(answer)["errors"] == [{"parameter": "limt", "message": "there is no such parameter"}]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/leaderboard/streak?limit=0", "limit"),
        ("/leaderboard/streak?limit=501", "limit"),
        ("/leaderboard/streak?limit=ten", "limit"),
        ("/leaderboard/losses?limit=1&limit=2", "limit"),
        ("/scans/5/1?scan_id=1", "scan_id"),
        ("/leaderboard/earnings?period=year", "period"),
        ("/stats/deaths?period=", "period"),
        ("/stats/tvl/history?interval=minute", "interval"),
        ("/stats/tvl/history?from=yesterday", "from"),
        ("/stats/tvl/history?from=2026-01-01T00:00:00", "from"),
        ("/stats/tvl/history?from=0001-01-01T00:00:00Z", "from"),
        ("/stats/volume?to=9999-12-31T23:59:59Z", "to"),
        ("/stats/volume?from=2026-01-03T00:00:00Z&to=2026-01-02T00:00:00Z", "from"),
        ("/stats/volume?interval=hour&from=2020-01-01T00:00:00Z", "from"),
        ("/stats?min_block=-1", "min_block"),
        ("/stats?min_block=99999999999999999999", "min_block"),
        ("/positions/0x1234", "address"),
        ("/positions/0x08a14f70b4bc7f46e172ad6795516405eb88f1eb?at_block=1008", "at_block"),
        ("/positions/0x08a14f70b4bc7f46e172ad6795516405eb88f1eb?at_block=-1", "at_block"),
    ],
)
def test_bad_input_is_named(client: WebClient, path: str, parameter: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 422
    problem = problem_of(answer)
    assert [error["parameter"] for error in problem["errors"]] == [parameter]
    assert problem["errors"][0]["message"]


def integers() -> list[tuple[str, str, str]]:
    """Every whole number that a path takes: its name, and what stands before and after its value."""
    found = []
    for path, operation in json.loads(OPENAPI.read_text())["paths"].items():
        filled = path.replace("{address}", PLAYER).replace("{level}", "5").replace("{tx_hash}", TRANSACTION)
        for one in operation["get"]["parameters"]:
            if {"type": "integer"}.items() <= one["schema"].items() or "integer" in str(one["schema"].get("anyOf")):
                before, _, after = filled.partition(f"{{{one['name']}}}")
                place = (
                    (before, after)
                    if one["in"] == "path"
                    else (f"{filled}?{one['name']}=", "&level=5" if path.endswith("at-risk") else "")
                )
                found.append((one["name"], *(re.sub(r"\{\w+\}", "1", part) for part in place)))
    return found


def test_whole_numbers_are_digits_everywhere(client: WebClient) -> None:
    assert {name for name, _, _ in integers()} >= {"limit", "offset", "min_block", "at_block", "scan_id", "round_id"}
    for name, before, after in integers():
        for text in ("1_0", "1.0", "+1", " 1", "01", "\u0661"):
            answer = client.get(f"{before}{quote(text)}{after}")
            assert answer.status_code == 422, (name, text)
            assert name in [error["parameter"] for error in problem_of(answer)["errors"]]


def test_an_empty_database_is_a_503(database: str) -> None:
    with web(database) as client:
        answer = client.get("/api/v1/stats")
    assert answer.status_code == 503
    assert problem_of(answer)["detail"] == "nothing is indexed yet"


def test_the_document_is_openapi_3_1_and_has_every_path(client: WebClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    examples = {
        "{address}": PLAYER,
        "{scan_id}": "1",
        "{round_id}": "1",
        "{level}": "5",
        "{number}": "314",
        "{tx_hash}": TRANSACTION,
    }
    paths = set()
    for path in document["paths"]:
        for name, example in examples.items():
            path = path.replace(name, example)  # noqa: PLW2901
        paths.add(path.removeprefix("/api/v1"))
    assert paths == {path.split("?")[0] for path in PATHS}, "name each path in tests/api/paths.py"
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/stats/tvl/history"]["get"]["parameters"]}
    assert names == {"interval", "from", "to", "level", "min_block"}


def test_the_status(client: WebClient, truth: Truth, season: list[RecordedBlock]) -> None:
    status = client.get("/api/v1/status").json()
    assert status["indexed_block"] == 1007
    assert status["indexed_block_hash"] == season[1007].hash
    assert status["chain_id"] == truth.chain_id
    assert {name: address.lower() for name, address in status["contracts"].items()} == truth.contracts
    assert status["last_reorg"] is None
    assert (status["lag"], status["chain_head"]) == (0, 1007)
    assert status["stalled"] in (False, True), "as long ago as it was indexed"
    assert client.get("/api/v1/status").headers["Cache-Control"] == "no-store"


def with_query(path: str, query: str) -> str:
    return path + ("&" if "?" in path else "?") + query


@pytest.mark.parametrize("length", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 5 * ROWS_AT_ONCE])
def test_a_long_list_becomes_json_in_parts(length: int) -> None:
    lengths = list[int]()

    def noted(part: list[int]) -> list[int]:
        lengths.append(len(part))
        return part

    block = IndexedBlock(1, 0, 5, "0x", datetime.fromtimestamp(5, UTC), 5, 5, 5)
    numbers = list(range(length))
    adapter = TypeAdapter[list[str]](Annotated[list[Wei], BeforeValidator(noted)])
    body, headers = content_of(adapter, numbers, "/numbers", block)
    assert json.loads(body) == list(map(str, numbers))
    assert headers["Content-Type"] == "application/json"
    assert max(lengths, default=0) <= ROWS_AT_ONCE
    assert sum(lengths) == length
