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

DOCUMENT = json.loads(OPENAPI.read_text())


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
    problem = problem_of(answer)
    [error] = problem["errors"]
    assert error["parameter"] == "limt"
    offered = error["message"].removeprefix("there is no such parameter; this path has ").split(", ")
    (operation,) = (one["get"] for name, one in DOCUMENT["paths"].items() if matches(name, path))
    assert offered == [one["name"] for one in operation["parameters"] if one["in"] == "query"]
    assert problem["detail"] == f"limt: {error['message']}"


def matches(template: str, path: str) -> bool:
    """Whether this is the document's path for a request's path; a literal part is preferred to a parameter."""
    asked = "/api/v1" + path.split("?", maxsplit=1)[0]
    if asked in DOCUMENT["paths"]:
        return template == asked
    same = re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), asked) is not None
    return same and not (asked.endswith("/next") and not template.endswith("/next"))


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/stats?limt=3", 422, "Unprocessable Content"),
        ("GET", "/stats?min_block=1008", 425, "Too Early"),
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/rounds/999", 404, "Not Found"),
        ("POST", "/stats", 405, "Method Not Allowed"),
    ],
)
def test_an_error_names_the_last_block_and_its_status(
    client: WebClient, season: list[RecordedBlock], method: str, path: str, status: int, reason: str
) -> None:
    client.await_sharing("/api/v1/stats")
    answer = client.request(method, f"/api/v1{path}")
    assert (answer.status_code, answer.reason, problem_of(answer)["title"]) == (status, reason, reason)
    assert answer["X-Indexed-Block"] == "1007"
    assert datetime.fromisoformat(answer["X-Indexed-At"]).timestamp() == season[1007].timestamp
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/positions/0x1234", "an address is 0x and 40 hex digits"),
        ("/leaderboard/streak?address=me.eth", "an address is 0x and 40 hex digits"),
        ("/transactions/0x1234", "a transaction's hash is 0x and 64 hex digits"),
        ("/deaths?level=6", "a level is 1 to 5, or VAULT, MAINFRAME, SUBNET, DARKNET, BLACK_ICE"),
        ("/positions/at-risk", "this parameter is required"),
        ("/stats/volume?from=1767225600", "2026-01-31T12:00:00Z"),
        ("/stats/volume?from=2026-01-01", "2026-01-31T12:00:00Z"),
        ("/stats/volume?to=2026-01-01T00:00:00", "2026-01-31T12:00:00Z"),
        ("/stats/volume?to=2026-01-01T00:00:00+01:00", "a + in it as %2B"),
        ("/stats/volume?to=2026-13-01T00:00:00Z", "month"),
        ("/stats/volume?to=2019-12-31T00:00:00Z", "from 2020-01-01 to 2100-01-01"),
        (f"/positions/{PLAYER}?at_block=1008", "with min_block the answer waits"),
        ("/stats/volume?interval=hour&from=2020-01-01T00:00:00Z", "more than 5000"),
        ("/positions?cursor=abc", "next_cursor"),
        ("/events?name=jackedin", "JackedIn, "),
        ("/events?contract=ghostcore", "GhostCore, "),
    ],
)
def test_what_would_be_right_is_said_in_words(client: WebClient, path: str, words: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 422
    [error] = problem_of(answer)["errors"]
    assert words in error["message"]


def test_times_have_any_offset(client: WebClient) -> None:
    times = ["2026-01-03T00:00:00Z", "2026-01-03T00:00:00.000Z", "2026-01-03T01:00:00%2B01:00"]
    answers = [client.get(f"/api/v1/stats/volume?from={time}") for time in times]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1


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
